// SIGKILL after each step of what takes episodes out of shipped/ and quarantine/: fetching back one that was drained while it was sent,
// deleting by age, purging. Nothing else is touched, nothing is left torn, and the next start needs no hand.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { FetchBackStep } from '../../src/lab-host/shipper/queue-tools/fetch-back.ts';
import type { RemovalStep } from '../../src/lab-host/shipper/remove-settled.ts';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published, readRows } from '../support/nothing-lost.ts';
import { Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const script = (name: string) => join(import.meta.dirname, `../support/killed-${name}.main.ts`);

async function runKilled(name: string, args: string[]): Promise<void> {
  const program = Program.script(script(name), args);
  assert.equal((await program.ended).signal, 'SIGKILL', `it was not killed: ${program.stderr}`);
}

function publish(host: TestHost, episodeId: string, commit: string | undefined): Published {
  const files = { 'data.bin': `of ${episodeId}`.repeat(10_000), 'sub/x': '' };
  return { host, episodeId, manifest: publishEpisode(host.data, host.hostId, { episodeId, commit, files }) };
}

const namesAt = (host: TestHost, place: string) => namesIn(join(host.data, place)).sort();

/** An episode without a commit that the receiver has taken, and that was drained before its answer was heard. */
async function drainedWhileSent(t: TestContext) {
  const fleet = await TestFleet.create(temporaryDirectory(t), '[version_gate]\nenabled = false\n');
  const host = fleet.addHost('lab-1');
  const published = [publish(host, 'ep-1', undefined)];
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  await runKilled('shipper', [host.config, 'answer-received', '1']);
  const drain = Program.cis490(['quarantine-unstamped', '--config', host.config]);
  assert.equal((await drain.ended).code, 0, drain.stderr);
  assert.deepEqual(namesAt(host, 'quarantine'), ['ep-1']);
  const [row] = readRows(fleet.store);
  assert.ok(row, 'the receiver has it');
  const receipt = { status: 'stored', sha256: row.sha256, shipped_at_wall: '2026-05-01T06:37:53.830599+00:00' };
  return { fleet, host, published, receiver, receipt };
}

const FETCH_BACK: Record<FetchBackStep, 'episodes' | 'quarantine'> = {
  'receipt-brought': 'quarantine',
  'fetched-back': 'episodes',
  'fetch-back-synced': 'episodes',
};
const NEXT: Record<string, (host: TestHost) => string[]> = {
  shipper: ({ config }) => ['shipper', '--once', '--config', config],
  command: ({ config }) => ['quarantine-unstamped', '--config', config],
};

for (const [step, left] of Object.entries(FETCH_BACK)) {
  // Of a command it is asked only to finish what lies in quarantine/: the queue is the shipper's.
  for (const who of left === 'quarantine' ? ['shipper', 'command'] : ['shipper']) {
    test(`fetch-back killed after ${step}; the next ${who} ends it`, async (t) => {
      const { fleet, host, published, receiver, receipt } = await drainedWhileSent(t);
      await runKilled('fetch-back', [host.config, 'ep-1', JSON.stringify(receipt), step]);
      assert.deepEqual(namesAt(host, left), ['ep-1']);
      const { faults } = await checkNothingLost(fleet.store, published, true);
      assert.deepEqual(faults, left === 'quarantine' ? ['lab-1/ep-1: stored, and in quarantine'] : []);

      // Its receipt settles it: nobody is asked.
      assert.equal((await receiver.stop()).code, 0);
      const next = Program.cis490(NEXT[who]?.(host) ?? []);
      assert.equal((await next.ended).code, 0, next.stderr);
      assert.deepEqual(namesAt(host, 'shipped'), ['ep-1'], next.stderr);
      for (const place of ['episodes', 'quarantine']) assert.deepEqual(namesAt(host, place), []);
      assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 1 });
      const kept = JSON.parse(readFileSync(join(host.data, 'shipped/ep-1/receipt.json'), 'utf8'));
      assert.deepEqual(kept, receipt);
      if (who === 'shipper') assert.deepEqual(namesAt(host, 'outbox'), []);
    });
  }
}

test('killed before it had the receipt: the receiver is asked again, and answers that it has it', async (t) => {
  const { fleet, host, published, receiver } = await drainedWhileSent(t);
  const next = await fleet.shipOnce(host);
  assert.equal(next.code, 0, next.log);
  assert.equal((await receiver.stop()).code, 0);
  assert.deepEqual(namesAt(host, 'shipped'), ['ep-1'], next.log);
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 1 });
});

/** Two episodes in shipped/ and two in quarantine/, as the real programs have put them there. */
async function settledFour(t: TestContext, shipperKeys = '') {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const host = fleet.addHost('lab-1', shipperKeys);
  const good = ['good-1', 'good-2'].map((id) => publish(host, id, GOOD_COMMIT));
  const stale = ['stale-1', 'stale-2'].map((id) => publish(host, id, STALE_COMMIT));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const { code, log } = await fleet.shipOnce(host);
  assert.equal(code, 0, log);
  assert.equal((await receiver.stop()).code, 0);
  assert.deepEqual(
    [namesAt(host, 'shipped'), namesAt(host, 'quarantine')],
    [
      ['good-1', 'good-2'],
      ['stale-1', 'stale-2'],
    ],
  );
  return { fleet, host, good, stale };
}

/** All that are not in `doomed` are whole where they were; of the doomed nothing is left but what the receiver has. */
async function assertOnlyGone(store: string, all: readonly Published[], doomed: readonly string[]): Promise<void> {
  const { faults } = await checkNothingLost(store, all, true);
  const expected = doomed.flatMap((id) => [
    `lab-1/${id}: on its host in 0 places: `,
    ...(id.startsWith('stale') ? [`lab-1/${id}: neither whole on its host nor in the store`] : []),
  ]);
  assert.deepEqual(faults, expected);
}

const REMOVAL: Record<RemovalStep, { isInOutbox: boolean }> = {
  'taken-out': { isInOutbox: true },
  'taking-out-synced': { isInOutbox: true },
  'episode-deleted': { isInOutbox: false },
};
const REMOVALS: { title: string; doomed: string; run: (host: TestHost, step: string) => Promise<void> }[] = [
  {
    title: 'deleting a shipped episode',
    doomed: 'good-1',
    run: ({ config }, step) => runKilled('removal', [config, 'shipped', 'good-1', step]),
  },
  {
    title: 'deleting a refused episode',
    doomed: 'stale-1',
    run: ({ config }, step) => runKilled('removal', [config, 'quarantine', 'stale-1', step]),
  },
  {
    title: 'cis490 quarantine purge',
    doomed: 'stale-1',
    run: async (host, step) => {
      const path = join(host.data, 'quarantine/stale-1/quarantine_reason.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace('commit-not-in-window', 'conflict'));
      await runKilled('queue-command', [host.config, step, '1', 'purge']);
    },
  },
];
for (const { title, doomed, run } of REMOVALS) {
  for (const [step, { isInOutbox }] of Object.entries(REMOVAL)) {
    test(`${title}, killed after ${step}`, async (t) => {
      const { fleet, host, good, stale } = await settledFour(t);
      await run(host, step);
      await assertOnlyGone(fleet.store, [...good, ...stale], [doomed]);
      const left = namesAt(host, 'outbox');
      assert.equal(left.length, isInOutbox ? 1 : 0);
      // Whoever finds it there can tell what it was.
      if (isInOutbox) assert.match(left.join(), new RegExp(`^deleting\\.${doomed}\\.`));

      const next = await fleet.shipOnce(host);
      assert.equal(next.code, 0, next.log);
      assert.deepEqual(namesAt(host, 'outbox'), []);
      assert.deepEqual(namesAt(host, 'episodes'), []);
      await assertOnlyGone(fleet.store, [...good, ...stale], [doomed]);
    });
  }
}

for (const nth of [1, 2]) {
  test(`clean-up by age, killed after ${nth} of 2: the next start deletes the rest, and nothing that is young`, async (t) => {
    const { fleet, host, good, stale } = await settledFour(t, 'shipped_keep_days = 1\nquarantine_keep_days = 1');
    for (const path of ['shipped/good-1/receipt.json', 'quarantine/stale-1/quarantine_reason.json']) {
      const note = JSON.parse(readFileSync(join(host.data, path), 'utf8'));
      const at = path.startsWith('shipped') ? 'shipped_at_wall' : 'quarantined_at_wall';
      const old = { ...note, [at]: '2020-01-01T00:00:00.000000+00:00', shipper_uptime_s: 0 };
      writeFileSync(join(host.data, path), JSON.stringify(old));
    }
    writeFileSync(join(host.data, 'shipper-uptime.json'), JSON.stringify({ uptime_s: 10 * 86_400 }));

    await runKilled('clean-up', [host.config, String(nth)]);
    await assertOnlyGone(fleet.store, [...good, ...stale], ['good-1', 'stale-1'].slice(0, nth));
    const next = await fleet.shipOnce(host);
    assert.equal(next.code, 0, next.log);
    await assertOnlyGone(fleet.store, [...good, ...stale], ['good-1', 'stale-1']);
    assert.deepEqual(namesAt(host, 'outbox'), []);
  });
}
