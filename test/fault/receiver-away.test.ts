// The receiver away for hours while thousands of episodes wait, then back: it is tried seldom, the host fills neither its disk nor its
// memory, and then everything goes, oldest first.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plantBacklog } from '../support/backlog.ts';
import { BusyReceiver } from '../support/busy-receiver.ts';
import { TestFleet } from '../support/fleet.ts';
import { memoryDirectory } from '../support/memory-directory.ts';
import { checkNothingLost, namesIn, readRows } from '../support/nothing-lost.ts';
import { readProcessCost } from '../support/process-cost.ts';
import { eventually, Program } from '../support/program.ts';

const EPISODES = 10_000;
const CONCURRENCY = 4;
// Hours of the shipper's life in seconds of ours.
const TIMES_AS_FAST = 1_200;
const AWAY_S = 3 * 3_600;
// Well above what the shipper would wait unasked.
const RETRY_AFTER_S = 600;
const HEARTBEAT_S = 300;
// What thousands of episodes may leave behind at the very most, and the bound to reach. Some 55 MiB are pages of Node's own file.
const MOST_RESIDENT_MIB = 320;
const HURRIED_SHIPPER = join(import.meta.dirname, '../support/hurried-shipper.main.ts');

// Full jitter waits half of the ceiling in the mean, and the ceiling is 5 min at last. Twice as often over hours is no chance: a sum of so
// many waits lies ten standard deviations from there.
const MEAN_WAIT_S = 150;
// Before the ceiling is reached, waits are shorter.
const FIRST_ATTEMPTS = 10;

test(`the receiver away for hours with ${EPISODES} episodes waiting, then back`, async (t) => {
  const fleet = await TestFleet.create(memoryDirectory());
  const host = fleet.addHost('lab-1', `concurrency = ${CONCURRENCY}`);
  const published = plantBacklog(host, EPISODES);
  const shipper = Program.script(HURRIED_SHIPPER, [host.config, String(TIMES_AS_FAST)]);
  t.after(() => shipper.kill());
  const packed = () => namesIn(join(host.data, 'outbox')).filter((name) => name.endsWith('.tar.zst'));

  const refused = await attemptsWithin(shipper, 'econnrefused', AWAY_S);
  t.diagnostic(`its port refuses: ${refused.attempts} attempts in ${(refused.forS / 3_600).toFixed(1)} h`);
  assert.ok(refused.attempts <= FIRST_ATTEMPTS + (2 * refused.forS) / MEAN_WAIT_S, `${refused.attempts} attempts`);
  assert.ok(refused.attempts >= refused.forS / MEAN_WAIT_S / 4, `only ${refused.attempts} attempts`);

  const busy = await BusyReceiver.start(t, fleet.port, RETRY_AFTER_S);
  const busyFor = await attemptsWithin(shipper, 'not-ready', AWAY_S);
  const puts = busy.requests.filter((request) => request.startsWith('PUT ')).length;
  const others = busy.requests.length - puts;
  const what = `${puts} PUTs and ${others} other requests over ${busy.connections} connections`;
  t.diagnostic(`answers 503: ${what} in ${(busyFor.forS / 3_600).toFixed(1)} h`);
  assert.ok(puts <= busyFor.forS / RETRY_AFTER_S + 2, `${puts} PUTs in ${busyFor.forS} s`);
  assert.ok(others <= busyFor.forS / HEARTBEAT_S + 3, `${others} other requests in ${busyFor.forS} s`);
  await busy.close();

  const afterHours = readProcessCost(shipper.child.pid);
  t.diagnostic(`after those hours at most ${afterHours.peakMiB.toFixed(1)} MiB, ${packed().length} tarballs packed`);
  // Some that were tried and are kept, and as many that are being tried.
  assert.ok(packed().length <= 2 * CONCURRENCY, `${packed().length} tarballs lie packed`);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), []);

  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  await shipper.printed(/episode shipped/);
  shipper.signal('SIGUSR2');
  await drained(host.data);
  const { peakMiB } = readProcessCost(shipper.child.pid);
  t.diagnostic(`drained: at most ${peakMiB.toFixed(1)} MiB`);
  await shipper.stop();
  await receiver.stop();
  assert.equal(receiver.stderr.match(/"PUT \/v1\/episodes\//g)?.length, EPISODES, 'each was sent once');
  assertOldestFirst(
    readRows(fleet.store).map(({ episode_id }) => episode_id),
    published.map(({ episodeId }) => episodeId),
  );
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: EPISODES });
  assert.ok(
    peakMiB <= MOST_RESIDENT_MIB,
    `at most ${peakMiB.toFixed(1)} MiB were resident, above ${MOST_RESIDENT_MIB}`,
  );
});

/** How many attempts failed with this code until so much time had passed for the shipper, by its own clock. */
async function attemptsWithin(
  shipper: Program,
  code: string,
  seconds: number,
): Promise<{ attempts: number; forS: number }> {
  const line = new RegExp(`^(\\S+) \\S+ episode not shipped yet.* code=${code}\\b`, 'gm');
  const times = () => [...shipper.stderr.matchAll(line)].map(([, wall = '']) => Date.parse(wall));
  const passedS = (at: number[]) => ((at.at(-1) ?? 0) - (at[0] ?? 0)) / 1_000;
  await eventually(() => {
    assert.equal(shipper.child.exitCode, null, shipper.stderr.slice(-2_000));
    return passedS(times()) >= seconds;
  }, `${seconds} s of attempts that fail with ${code}`);
  const at = times();
  return { attempts: at.length, forS: passedS(at) };
}

/** However slow the machine is: only a standstill ends the wait. */
async function drained(data: string): Promise<void> {
  const waiting = (): number => JSON.parse(readFileSync(join(data, 'shipper-state.json'), 'utf8')).waiting;
  for (let left = waiting(); left > 0; left = waiting())
    await eventually(() => waiting() < left, `fewer than ${left} episodes wait`);
}

/**
 * Each worker had one in hand when the receiver came back. From then on at most those that are on their way beside it are older than the
 * one that is stored, and not stored yet.
 */
function assertOldestFirst(stored: readonly string[], oldestFirst: readonly string[]): void {
  const inHand = new Set(stored.slice(0, CONCURRENCY));
  const rankOf = new Map(oldestFirst.filter((id) => !inHand.has(id)).map((episodeId, rank) => [episodeId, rank]));
  const passedOver = new Set<number>();
  let youngest = -1;
  for (const episodeId of stored.slice(CONCURRENCY)) {
    const rank = rankOf.get(episodeId) ?? Number.NaN;
    passedOver.delete(rank);
    for (; youngest < rank; youngest += 1) if (youngest + 1 !== rank) passedOver.add(youngest + 1);
    assert.ok(passedOver.size < CONCURRENCY, `${episodeId} was stored before older ones: ${passedOver.size}`);
  }
}
