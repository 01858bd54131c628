// The commands that look at and change a lab host's queue: the real program beside a real shipper, and killed at each durable step.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { QueueStep } from '../../src/lab-host/shipper/queue-tools/queue-tools.ts';
import { type Manifest, manifestOf, publishEpisode, sameManifest } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { namesIn } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const script = join(import.meta.dirname, '../support/killed-queue-command.main.ts');
const PLACES = ['episodes', 'shipped', 'quarantine'] as const;
type Place = (typeof PLACES)[number];

async function createHost(t: TestContext, port?: number): Promise<TestHost> {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const host = fleet.addHost('lab-1');
  for (const name of ['outbox', 'shipped', 'quarantine']) mkdirSync(join(host.data, name));
  if (port !== undefined) {
    writeFileSync(host.config, readFileSync(host.config, 'utf8').replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`));
  }
  return host;
}

async function run(host: TestHost, ...args: string[]) {
  const program = Program.cis490([...args, '--config', host.config]);
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** In episodes/, as its recorder left it. */
function publish(host: TestHost, episodeId: string, commit: string | undefined = GOOD_COMMIT): Manifest {
  return publishEpisode(host.data, host.hostId, {
    episodeId,
    commit,
    files: { 'data.bin': `of ${episodeId}`, 'sub/x': '' },
  });
}

function put(host: TestHost, from: string, place: Place, note: string, content: unknown, name = from): void {
  const target = join(host.data, place, name);
  rmSync(target, { recursive: true, force: true });
  writeFileSync(join(host.data, 'episodes', from, note), JSON.stringify(content));
  renameSync(join(host.data, 'episodes', from), target);
}

function refuse(host: TestHost, episodeId: string, more: Record<string, unknown> = {}, name = episodeId): Manifest {
  const manifest = publish(host, episodeId, STALE_COMMIT);
  const reason = {
    ...{ episode_id: episodeId, quarantined_at_wall: '2026-05-01T06:37:53.830599+00:00', status: 412 },
    ...{ code: 'commit-not-in-window', detail: 'not among the last 100', remediation: 'git pull\nmake install' },
    ...{ commit: STALE_COMMIT, head_commit: GOOD_COMMIT, attempts: 2, ...more },
  };
  put(host, episodeId, 'quarantine', 'quarantine_reason.json', reason, name);
  return manifest;
}

function retire(host: TestHost, episodeId: string, shippedAt: string): Manifest {
  const manifest = publish(host, episodeId);
  put(host, episodeId, 'shipped', 'receipt.json', {
    status: 'stored',
    episode_id: episodeId,
    shipped_at_wall: shippedAt,
  });
  return manifest;
}

function placesOf(host: TestHost, episodeId: string): Place[] {
  return PLACES.filter((place) => existsSync(join(host.data, place, episodeId)));
}

/** Each is whole, in exactly one place. */
function assertNothingLost(host: TestHost, manifests: ReadonlyMap<string, Manifest>): void {
  for (const [episodeId, manifest] of manifests) {
    const [place, ...more] = placesOf(host, episodeId);
    assert.ok(place !== undefined && more.length === 0, `${episodeId} is in ${placesOf(host, episodeId)}`);
    assert.ok(sameManifest(manifest, manifestOf(join(host.data, place, episodeId))), `${episodeId} has changed`);
  }
}

function historyOf(host: TestHost): { action: string; episode_id: string; note: { code?: string } }[] {
  const text = readFileSync(join(host.data, 'queue-history.jsonl'), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

const noteIn = (host: TestHost, place: Place, episodeId: string, note: string) =>
  existsSync(join(host.data, place, episodeId, note));

interface KillCase {
  command: 'requeue' | 'reship' | 'drain' | 'purge';
  step: QueueStep;
  nth: number;
}
const RETURN_STEPS: QueueStep[] = [
  'history-written',
  'notes-removed',
  'notes-removal-synced',
  'moved-to-queue',
  'queue-synced',
];
const DRAIN_STEPS: QueueStep[] = ['reason-written', 'moved-to-quarantine', 'quarantine-synced', 'tarball-removed'];
// The first of three, and the last where each has its own step.
const nths = (step: QueueStep) => (['history-written', 'queue-synced'].includes(step) ? [1] : [1, 3]);
const KILLS: KillCase[] = [
  ...(['requeue', 'reship'] as const).flatMap((command) =>
    RETURN_STEPS.flatMap((step) => nths(step).map((nth) => ({ command, step, nth }))),
  ),
  ...DRAIN_STEPS.flatMap((step) => nths(step).map((nth) => ({ command: 'drain' as const, step, nth }))),
  { command: 'purge', step: 'history-written', nth: 1 },
  { command: 'purge', step: 'episode-deleted', nth: 1 },
];

for (const { command, step, nth } of KILLS) {
  test(`${command} killed after ${step} (${nth})`, async (t) => {
    const host = await createHost(t);
    const manifests = new Map<string, Manifest>();
    const doomed = ['bad-1', 'bad-2'];
    for (const id of ['ep-1', 'ep-2', 'ep-3']) {
      if (command === 'drain') manifests.set(id, publish(host, id, ''));
      else if (command === 'reship') manifests.set(id, retire(host, id, '2026-05-01T06:37:53.830599+00:00'));
      else manifests.set(id, refuse(host, id));
    }
    if (command === 'purge') for (const id of doomed) refuse(host, id, { code: 'conflict', status: 409 });
    manifests.set('stays', publish(host, 'stays'));

    const killed = Program.script(script, [host.config, step, String(nth), command]);
    assert.equal((await killed.ended).signal, 'SIGKILL', killed.stderr);
    assertNothingLost(host, manifests);
    for (const id of namesIn(join(host.data, 'episodes'))) {
      assert.equal(noteIn(host, 'episodes', id, 'receipt.json'), false, 'the shipper would retire it');
      const isHalfDrained = command === 'drain' && id !== 'stays';
      if (!isHalfDrained) assert.equal(noteIn(host, 'episodes', id, 'quarantine_reason.json'), false);
    }

    // Any command that changes the queue finishes what was cut short; the same one does the rest.
    const again = {
      requeue: ['quarantine', 'requeue', '--all'],
      reship: ['reship', '--since', '2020-01-01'],
      drain: ['quarantine-unstamped'],
      purge: ['quarantine', 'purge', '--code', 'conflict', '--yes'],
    }[command];
    const next = await run(host, ...again);
    assert.equal(next.code, 0, next.stderr);
    assertNothingLost(host, manifests);
    const end: Place = command === 'drain' || command === 'purge' ? 'quarantine' : 'episodes';
    for (const id of ['ep-1', 'ep-2', 'ep-3']) {
      assert.deepEqual(placesOf(host, id), [end]);
      assert.equal(noteIn(host, end, id, 'quarantine_reason.json'), end === 'quarantine');
      assert.equal(noteIn(host, end, id, 'receipt.json'), false);
    }
    assert.deepEqual(placesOf(host, 'stays'), ['episodes']);
    if (command === 'purge')
      assert.deepEqual(
        doomed.flatMap((id) => placesOf(host, id)),
        [],
      );
    if (command === 'requeue') {
      const told = historyOf(host).filter(({ note }) => note?.code === 'commit-not-in-window');
      assert.deepEqual(new Set(told.map(({ episode_id }) => episode_id)), new Set(['ep-1', 'ep-2', 'ep-3']));
    }
  });
}

test('what a killed requeue has left without its reason is finished by another command, and never purged', async (t) => {
  const host = await createHost(t);
  const manifests = new Map([['ep-1', refuse(host, 'ep-1')]]);
  const killed = Program.script(script, [host.config, 'notes-removed', '1', 'requeue']);
  assert.equal((await killed.ended).signal, 'SIGKILL');
  const purge = await run(host, 'quarantine', 'purge', 'ep-1', '--yes');
  assert.equal(purge.code, 2, purge.stdout);
  assert.match(purge.stderr, /not refused for good/);
  assertNothingLost(host, manifests);
  const drain = await run(host, 'quarantine-unstamped');
  assert.equal(drain.code, 0, drain.stderr);
  assert.match(drain.stderr, /finished what an earlier command had left half-way/);
  assert.deepEqual(placesOf(host, 'ep-1'), ['episodes']);
  assertNothingLost(host, manifests);
});

const SELECTIONS: { name: string; args: string[]; requeued: string[] }[] = [
  { name: 'ids', args: ['stale-1', 'large'], requeued: ['stale-1', 'large'] },
  { name: 'a code', args: ['--code', 'too-large'], requeued: ['large'] },
  {
    name: 'a commit by its first digits',
    args: ['--commit', STALE_COMMIT.slice(0, 7)],
    requeued: ['stale-1', 'stale-2'],
  },
  { name: 'code and commit', args: ['--code', 'too-large', '--commit', STALE_COMMIT], requeued: [] },
  { name: 'all', args: ['--all'], requeued: ['stale-1', 'stale-2', 'large'] },
];
for (const { name, args, requeued } of SELECTIONS) {
  test(`requeue by ${name}`, async (t) => {
    const host = await createHost(t);
    refuse(host, 'stale-1');
    refuse(host, 'stale-2');
    refuse(host, 'large', { code: 'too-large', status: 413, commit: 'c'.repeat(40) });
    const dry = await run(host, 'quarantine', 'requeue', ...args, '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.deepEqual(namesIn(join(host.data, 'episodes')), []);
    const { code, stdout } = await run(host, 'quarantine', 'requeue', ...args);
    assert.equal(code, 0);
    assert.deepEqual(namesIn(join(host.data, 'episodes')).sort(), requeued.toSorted());
    for (const id of requeued) assert.match(stdout, new RegExp(`requeued ${id} \\(refused for `));
  });
}

const BAD_USAGE: { args: string[]; says: RegExp }[] = [
  { args: ['quarantine', 'requeue'], says: /which ones\?/ },
  { args: ['quarantine', 'requeue', '--all', '--code', 'conflict'], says: /--all beside/ },
  { args: ['quarantine', 'requeue', 'no-such'], says: /not in quarantine\/, nor anywhere else/ },
  { args: ['quarantine', 'requeue', 'ep-1', 'no-such'], says: /"no-such" is not in quarantine/ },
  { args: ['quarantine', 'requeue', 'waits'], says: /it waits in the queue/ },
  { args: ['quarantine', 'requeue', '../episodes/waits'], says: /not in quarantine/ },
  { args: ['quarantine', 'requeue', '--commit', 'xyz'], says: /--commit: found "xyz"/ },
  { args: ['quarantine', 'show', 'gone'], says: /not in quarantine/ },
  { args: ['quarantine', 'purge', '--yes'], says: /which ones\?/ },
  { args: ['quarantine', 'purge', 'waits', '--yes'], says: /it waits in the queue/ },
  { args: ['quarantine', 'purge', '--older-than', 'long', '--yes'], says: /--older-than: found "long"/ },
  { args: ['quarantine', 'purge', 'ep-1'], says: /nobody is there to be asked/ },
  { args: ['reship'], says: /which ones\?/ },
  { args: ['reship', '--since', 'yesterday'], says: /--since: found "yesterday"/ },
  { args: ['reship', '--id', 'ep-1'], says: /it is in quarantine/ },
  { args: ['shipper', 'stat'], says: /unknown command 'stat'\n.*did you mean status\?/ },
];
test('bad usage ends with 2, says what to do, and changes nothing', async (t) => {
  const host = await createHost(t);
  const manifests = new Map([
    ['ep-1', refuse(host, 'ep-1')],
    ['waits', publish(host, 'waits')],
  ]);
  for (const { args, says } of BAD_USAGE) {
    const { code, stderr } = await run(host, ...args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
    assert.deepEqual([placesOf(host, 'ep-1'), placesOf(host, 'waits')], [['quarantine'], ['episodes']]);
  }
  assertNothingLost(host, manifests);
});

test('a numbered name goes back to the id that it was sent under, and only when nobody waits there', async (t) => {
  const host = await createHost(t);
  const second = refuse(host, 'ep-1', { detail: 'second' }, 'ep-1.2');
  const first = refuse(host, 'ep-1', { detail: 'first' });
  // Its own name ends like a number, and its reason claims a name that it cannot have had.
  const own = refuse(host, 'v.7', { episode_id: '../../elsewhere' });

  const both = await run(host, 'quarantine', 'requeue', '--all');
  assert.equal(both.code, 1, both.stderr);
  assert.match(both.stdout, /stays ep-1\.2: another ep-1 waits in episodes\//);
  assert.ok(sameManifest(first, manifestOf(join(host.data, 'episodes', 'ep-1'))));
  assert.ok(sameManifest(own, manifestOf(join(host.data, 'episodes', 'v.7'))));
  assert.equal(
    JSON.parse(readFileSync(join(host.data, 'quarantine/ep-1.2/quarantine_reason.json'), 'utf8')).detail,
    'second',
  );

  rmSync(join(host.data, 'episodes', 'ep-1'), { recursive: true });
  const later = await run(host, 'quarantine', 'requeue', 'ep-1.2');
  assert.equal(later.code, 0, later.stderr);
  assert.ok(sameManifest(second, manifestOf(join(host.data, 'episodes', 'ep-1'))));
});

test('an empty episode that waits under the same name is not replaced', async (t) => {
  const host = await createHost(t);
  refuse(host, 'ep-1');
  mkdirSync(join(host.data, 'episodes', 'ep-1'));
  const { code } = await run(host, 'quarantine', 'requeue', 'ep-1');
  assert.equal(code, 1);
  assert.equal(noteIn(host, 'quarantine', 'ep-1', 'quarantine_reason.json'), true);
});

test('a requeued episode queues up with its own age', async (t) => {
  const host = await createHost(t);
  refuse(host, 'old');
  const recorded = new Date('2026-04-01T00:00:00Z');
  utimesSync(join(host.data, 'quarantine/old/meta.json'), recorded, recorded);
  assert.equal((await run(host, 'quarantine', 'requeue', 'old')).code, 0);
  assert.equal(statSync(join(host.data, 'episodes/old')).mtime.getTime(), recorded.getTime());
});

test('several commands at once: each episode goes back once', async (t) => {
  const host = await createHost(t);
  const manifests = new Map(Array.from({ length: 40 }, (_, n) => [`ep-${n}`, refuse(host, `ep-${n}`)]));
  const all = await Promise.all(Array.from({ length: 3 }, () => run(host, 'quarantine', 'requeue', '--all')));
  assert.deepEqual(
    all.map(({ code }) => code),
    [0, 0, 0],
    all.map(({ stderr }) => stderr).join(),
  );
  const moved = all.map(({ stdout }) => Number(/(\d+) episodes requeued/.exec(stdout)?.[1] ?? 0));
  assert.equal(
    moved.reduce((sum, count) => sum + count, 0),
    40,
  );
  assert.equal(namesIn(join(host.data, 'episodes')).length, 40);
  assertNothingLost(host, manifests);
});

test('reship: by the time of the receipt, and what was refused once is not refused on its old word', async (t) => {
  const host = await createHost(t);
  retire(host, 'early', '2026-05-01T06:00:00.000000+00:00');
  retire(host, 'within', '2026-05-01T07:00:00.000000+00:00');
  retire(host, 'late', '2026-05-02T00:00:00.000000+00:00');
  writeFileSync(join(host.data, 'shipped/within/quarantine_reason.json'), '{"episode_id":"within"}');
  const args = ['reship', '--since', '2026-05-01T09:00:00+02:00', '--until', '2026-05-02'];
  const dry = await run(host, ...args, '--dry-run');
  assert.match(dry.stdout, /1 episode would be reshipped/);
  assert.deepEqual(namesIn(join(host.data, 'episodes')), []);
  assert.equal((await run(host, ...args)).code, 0);
  assert.deepEqual(namesIn(join(host.data, 'episodes')), ['within']);
  assert.deepEqual(readdirSync(join(host.data, 'episodes/within')).sort(), ['data.bin', 'meta.json', 'sub']);
  assert.equal((await run(host, 'reship', '--id', 'early')).code, 0);
  assert.deepEqual(namesIn(join(host.data, 'shipped')), ['late']);
});

test('purge: by age, and what nobody refused stays', async (t) => {
  const host = await createHost(t);
  refuse(host, 'old');
  refuse(host, 'new', { quarantined_at_wall: '2999-01-01T00:00:00.000000+00:00' });
  const dry = await run(host, 'quarantine', 'purge', '--older-than', '30d', '--dry-run');
  assert.match(dry.stdout, /would be purged old/);
  assert.deepEqual(placesOf(host, 'old'), ['quarantine']);
  const { code, stdout } = await run(host, 'quarantine', 'purge', '--older-than', '30d', '--yes');
  assert.equal(code, 0, stdout);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), ['new']);
  assert.deepEqual(namesIn(join(host.data, 'outbox')), []);
  assert.equal(historyOf(host).at(-1)?.action, 'purged');
});

test('--json: what became of each, or would, whole and parsable, with the same exit codes', async (t) => {
  const host = await createHost(t);
  for (const id of ['one', 'two', 'old']) refuse(host, id);
  refuse(host, 'spare', { code: 'conflict' });
  mkdirSync(join(host.data, 'quarantine/unfounded'));
  mkdirSync(join(host.data, 'episodes/two'));
  const told = async (...args: string[]) => {
    const { code, stdout } = await run(host, ...args, '--json');
    return { code, ...JSON.parse(stdout) };
  };
  const change = (episode_id: string, outcome: string) => ({ episode_id, name: episode_id, outcome });

  assert.deepEqual(await told('quarantine', 'requeue', 'one', '--dry-run'), {
    ...{ code: 0, action: 'requeued', dry_run: true, episodes: [change('one', 'requeued')] },
  });
  assert.deepEqual(placesOf(host, 'one'), ['quarantine']);
  assert.deepEqual(await told('quarantine', 'requeue', 'one', 'two'), {
    ...{ code: 1, action: 'requeued', dry_run: false },
    episodes: [change('one', 'requeued'), { ...change('two', 'stays'), detail: 'another two waits in episodes/' }],
  });
  assert.deepEqual(placesOf(host, 'one'), ['episodes']);

  const nothing = { code: 0, dry_run: false, episodes: [] };
  assert.deepEqual(await told('reship', '--since', '2999-01-01'), { ...nothing, action: 'reshipped' });
  assert.deepEqual(await told('quarantine', 'purge', '--code', 'too-large', '--yes'), { ...nothing, action: 'purged' });
  const unfounded = { ...change('unfounded', 'stays'), detail: 'it has no reason to be in quarantine' };
  const purged = { code: 0, action: 'purged', episodes: [change('old', 'purged'), unfounded] };
  const doomed = ['quarantine', 'purge', 'old', 'unfounded'];
  assert.deepEqual(await told(...doomed, '--dry-run'), { ...purged, dry_run: true });
  assert.deepEqual(placesOf(host, 'old'), ['quarantine']);
  assert.deepEqual(await told(...doomed, '--yes'), { ...purged, dry_run: false });
  assert.deepEqual(namesIn(join(host.data, 'quarantine')).sort(), ['spare', 'two', 'unfounded']);

  mkdirSync(join(host.data, 'episodes/unstamped'));
  const { code, action, episodes } = await told('quarantine-unstamped');
  assert.deepEqual([code, action], [0, 'quarantined']);
  assert.ok(episodes.some((episode: { name: string; outcome: string }) => episode.name === 'unstamped'));
  assert.deepEqual(placesOf(host, 'unstamped'), ['quarantine']);
});

test('list and show: the reason, the commands one a line, the files', async (t) => {
  const host = await createHost(t);
  for (let n = 0; n < 23; n += 1) refuse(host, `ep-${n}`);
  refuse(host, 'odd', { code: 'conflict', detail: 'a\u001b[31m red\nword', remediation: null });
  const list = await run(host, 'quarantine', 'list');
  assert.equal(list.code, 0, list.stderr);
  assert.match(list.stdout, /… and 4 older ones: --all lists them/);
  assert.match(
    list.stdout,
    /23 × commit-not-in-window: .*\n {6}cis490 quarantine requeue --code commit-not-in-window\n/,
  );
  assert.equal((await run(host, 'quarantine', 'list', '--all')).stdout.match(/^ep-/gm)?.length, 23);
  const json = JSON.parse((await run(host, 'quarantine', 'list', '--json', '--code', 'conflict')).stdout);
  assert.deepEqual([json.count, json.episodes[0].episode_id], [1, 'odd']);

  const show = await run(host, 'quarantine', 'show', 'ep-1');
  assert.match(show.stdout, /\n {2}git pull\n {2}make install\n/);
  assert.match(show.stdout, /\n {2}cis490 quarantine requeue ep-1\n/);
  assert.match(show.stdout, /7 B +data\.bin\n/);
  const odd = await run(host, 'quarantine', 'show', 'odd');
  assert.equal(odd.stdout.includes('\u001b'), false);
});

const UNSTAMPED: { name: string; meta: string | undefined; isDrained: boolean }[] = [
  { name: 'none', meta: undefined, isDrained: true },
  { name: 'no-json', meta: '{"code_version":', isDrained: true },
  { name: 'no-commit', meta: '{"episode_id":"x"}', isDrained: true },
  { name: 'bad-commit', meta: '{"code_version":{"commit":"main"}}', isDrained: true },
  { name: 'short-commit', meta: `{"code_version":{"commit":"${GOOD_COMMIT.slice(1)}"}}`, isDrained: true },
  { name: 'stamped', meta: `{"code_version":{"commit":"${GOOD_COMMIT}"}}`, isDrained: false },
  { name: 'sha-256', meta: `{"code_version":{"commit":"${'D'.repeat(64)}"}}`, isDrained: false },
];
test('quarantine-unstamped: no or bad meta.json counts as without; a second run finds nothing', async (t) => {
  const host = await createHost(t);
  for (const { name, meta } of UNSTAMPED) {
    mkdirSync(join(host.data, 'episodes', name));
    if (meta !== undefined) writeFileSync(join(host.data, 'episodes', name, 'meta.json'), meta);
  }
  const drained = UNSTAMPED.flatMap(({ name, isDrained }) => (isDrained ? [name] : [])).sort();
  const dry = await run(host, 'quarantine-unstamped', '--dry-run');
  assert.match(dry.stdout, /5 episodes without a stamped commit would be moved/);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), []);
  assert.equal((await run(host, 'quarantine-unstamped')).code, 0);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')).sort(), drained);
  const { code, status, detail } = JSON.parse(
    readFileSync(join(host.data, 'quarantine/none/quarantine_reason.json'), 'utf8'),
  );
  assert.deepEqual([code, status], ['commit-missing', 0]);
  assert.match(detail, /drained by hand/);
  const again = await run(host, 'quarantine-unstamped');
  assert.match(again.stdout, /^0 episodes without a stamped commit/);
  assert.equal(again.code, 0);
});

/** A receiver that takes the body and answers only when it is told to. */
async function slowReceiver(t: TestContext): Promise<{ port: number; asked: Promise<ServerResponse> }> {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    if (request.method !== 'PUT') return void response.writeHead(404).end();
    request.resume().on('end', () => resolve(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  return { port: address.port, asked };
}

const WHILE_SENT: { name: string; status: number; body: object; end: Place; note: string }[] = [
  { name: 'takes it', status: 201, body: { status: 'stored' }, end: 'shipped', note: 'receipt.json' },
  {
    name: 'refuses it',
    status: 400,
    body: { code: 'commit-missing', detail: 'no commit' },
    end: 'quarantine',
    note: 'quarantine_reason.json',
  },
  {
    name: 'cannot now',
    status: 503,
    body: { code: 'not-ready', detail: 'x' },
    end: 'quarantine',
    note: 'quarantine_reason.json',
  },
];
for (const { name, status, body, end, note } of WHILE_SENT) {
  test(`drained while the shipper sends it, and the receiver ${name}`, async (t) => {
    const receiver = await slowReceiver(t);
    const host = await createHost(t, receiver.port);
    const manifests = new Map([['ep-1', publish(host, 'ep-1', '')]]);
    const shipper = Program.cis490(['shipper', '--config', host.config]);
    t.after(() => shipper.kill());
    const response = await receiver.asked;
    const drain = await run(host, 'quarantine-unstamped');
    assert.equal(drain.code, 0, drain.stderr);
    assert.deepEqual(placesOf(host, 'ep-1'), ['quarantine']);
    response.writeHead(status, { 'Content-Type': status < 300 ? 'application/json' : 'application/problem+json' });
    response.end(JSON.stringify(body));
    if (end === 'shipped') await eventually(() => placesOf(host, 'ep-1')[0] === 'shipped', 'it is shipped');
    const { code } = await shipper.stop();
    assert.equal(code, 0, shipper.stderr);
    assert.deepEqual(placesOf(host, 'ep-1'), [end], shipper.stderr);
    assert.equal(noteIn(host, end, 'ep-1', note), true);
    assertNothingLost(host, manifests);
  });
}

test('a running shipper takes up what is requeued, and drains beside the command', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const host = fleet.addHost('lab-1');
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const shipper = fleet.startShipper(host);
  t.after(() => shipper.kill());
  await shipper.printed(/shipper started/);
  const manifest = publish(host, 'ep-1', GOOD_COMMIT);
  await eventually(() => placesOf(host, 'ep-1')[0] === 'shipped', 'it is shipped');
  for (let n = 0; n < 30; n += 1) publish(host, `bare-${n}`, '');
  const drain = await run(host, 'quarantine-unstamped');
  assert.equal(drain.code, 0, drain.stderr);
  await eventually(() => namesIn(join(host.data, 'quarantine')).length === 30, 'all are in quarantine');
  assert.equal((await run(host, 'reship', '--id', 'ep-1')).code, 0);
  await eventually(() => noteIn(host, 'shipped', 'ep-1', 'receipt.json'), 'it is shipped again');
  const receipt = JSON.parse(readFileSync(join(host.data, 'shipped/ep-1/receipt.json'), 'utf8'));
  assert.equal(receipt.status, 'duplicate');
  assert.ok(sameManifest(manifest, manifestOf(join(host.data, 'shipped/ep-1'))));
  const status = await run(host, 'shipper', 'status', '--json');
  const { shipper: life, pid, quarantine } = JSON.parse(status.stdout);
  assert.deepEqual([life, quarantine], ['runs', 30]);
  assert.ok(pid > 0);
});

test('shipper status: stopped, with what waits; the place of --config does not matter', async (t) => {
  const host = await createHost(t);
  publish(host, 'ep-1');
  const finished = new Date('2026-04-01T00:00:00Z');
  utimesSync(join(host.data, 'episodes/ep-1'), finished, finished);
  const trouble = { kind: 'held', code: 'forbidden', since_wall: '2026-05-01T06:37:53.830599+00:00' };
  writeFileSync(join(host.data, 'shipper-state.json'), JSON.stringify({ shipped: 'many', trouble }));
  const text = await run(host, 'shipper', 'status');
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^shipper +does not run: systemctl start cis490-shipper\n/);
  assert.match(text.stdout, /waiting +1 episode, /);
  assert.match(text.stdout, /oldest +finished \d+ days ago \(2026-04-01 00:00:00Z\)/);
  assert.doesNotMatch(text.stdout, /forbidden/, 'the trouble of a shipper that has ended is over');
  const before = Program.cis490(['shipper', '--config', host.config, 'status', '--json']);
  assert.equal((await before.ended).code, 0, before.stderr);
  const status = JSON.parse(before.stdout);
  assert.equal(status.waiting.episodes, 1);
  assert.equal(status.waiting.oldest_finished_at_wall, '2026-04-01T00:00:00.000000+00:00');
  assert.equal(existsSync(join(host.data, '.shipper.lock.db')), false, 'looking takes no lock');
});

test('run by root, they leave no file of root', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const host = await createHost(t);
  refuse(host, 'ep-1');
  publish(host, 'bare', '');
  chmodSync(join(host.data, '..'), 0o755);
  for (const name of ['', ...readdirSync(host.data, { recursive: true, encoding: 'utf8' })])
    chownSync(join(host.data, name), 65_534, 65_534);
  assert.equal((await run(host, 'quarantine', 'requeue', '--all')).code, 0);
  const drain = await run(host, 'quarantine-unstamped');
  assert.equal(drain.code, 0, drain.stderr);
  const owners = readdirSync(host.data, { recursive: true, encoding: 'utf8' }).map(
    (name) => statSync(join(host.data, name)).uid,
  );
  assert.deepEqual(new Set(owners), new Set([65_534]));
});
