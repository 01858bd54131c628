import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { isTombstone, type LedgerEntry, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { Heartbeat, HostState } from '../../storage/host-state.ts';
import type { Ledger } from '../../storage/ledger.ts';
import { FleetView } from './fleet-view.ts';

const NOW_WALL = formatWallTime(Temporal.Instant.from('2026-05-01T12:00:30Z'));

/** A ledger in memory that fails as long as it is told to; each sleep of the view ends when the test says so. */
function setUp() {
  const entries: LedgerEntry[] = [];
  const state = { failure: '', reportsFail: false, heartbeats: [] as Heartbeat[], reads: [] as number[] };
  const lines: string[] = [];
  const pauses: number[] = [];
  const sleeping: (() => void)[] = [];
  let wakeFollower = () => {};
  const stop = new AbortController();
  const look = () => {
    if (state.failure !== '') throw new Error(state.failure);
  };
  const rows = () => entries.filter((entry): entry is SequencedRow => !isTombstone(entry));
  const ledger: Pick<Ledger, 'hosts' | 'list' | 'read' | 'waitAfter'> = {
    hosts: async () => {
      look();
      const stored = Object.entries(Object.groupBy(rows(), ({ host_id }) => host_id));
      return stored.map(([hostId, of = []]) => ({
        hostId,
        episodes: of.length,
        sizeBytes: of.reduce((sum, { bytes }) => sum + bytes, 0),
        last: of.at(-1) as SequencedRow,
      }));
    },
    list: async ({ withRetracted }) => {
      look();
      const retracted = new Set(entries.filter(isTombstone).map(({ episode_id }) => episode_id));
      const found = rows().filter(({ episode_id }) => withRetracted || !retracted.has(episode_id));
      return { rows: found, nextAfterSeq: undefined };
    },
    read: async (afterSeq) => {
      look();
      state.reads.push(afterSeq);
      return entries.filter(({ seq }) => seq > afterSeq);
    },
    waitAfter: async (_seq, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wakeFollower = resolve;
      signal.addEventListener('abort', () => resolve());
      await promise;
      look();
    },
  };
  const hostState: Pick<HostState, 'listHeartbeats' | 'listReports'> = {
    listHeartbeats: async () => state.heartbeats,
    listReports: async function* () {
      yield { hostId: 'h1', receivedAtWall: NOW_WALL, content: Buffer.from('{"status":"red"}') };
      if (state.reportsFail) throw new Error('the directory is gone');
    },
  };
  const clock: Clock = {
    wallTime: () => NOW_WALL,
    monotonicMs: () => 0,
    sleep: async (ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Who asks waits for the first reading; the view itself pauses.
      if (signal === stop.signal) pauses.push(ms);
      sleeping.push(resolve);
      signal?.addEventListener('abort', () => resolve());
      await promise;
    },
  };
  const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line) });
  const view = new FleetView({ ledger: ledger as Ledger, hostState: hostState as HostState, clock, logger });
  let running: Promise<void> | undefined;
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  };
  return {
    view,
    state,
    lines,
    pauses,
    start: async () => {
      running = view.run(stop.signal);
      await settle();
    },
    settle,
    /** Something can be read, or fails to be. */
    wake: async () => {
      wakeFollower();
      await settle();
    },
    /** All sleeps are over. */
    pass: async () => {
      for (const end of sleeping.splice(0)) end();
      await settle();
    },
    store: (episode_id: string, host_id = 'h1') => {
      const row = { host_id, episode_id, received_at_wall: NOW_WALL, sha256: 'a'.repeat(64), bytes: 10, path: 'p' };
      entries.push({ ...row, seq: entries.length + 1 });
    },
    retract: (episode_id: string, host_id = 'h1') => {
      const tombstone = { host_id, episode_id, retracted_at_wall: NOW_WALL, reason: 'r', by: 'b' };
      entries.push({ ...tombstone, seq: entries.length + 1 });
    },
    figures: async () => {
      const [host] = await view.hosts();
      return [host?.episodes, host?.day.sum(Date.parse(NOW_WALL)).episodes, host?.last?.seq];
    },
    end: async () => {
      stop.abort();
      await running;
    },
  };
}

const NOT_READY = { code: 'not-ready' };

test('a failure at the start is tried again at growing intervals, refused meanwhile, told once, and its end too', async () => {
  const { view, state, lines, pauses, start, pass, store, figures, end } = setUp();
  store('a');
  state.failure = 'no room';
  await start();
  await assert.rejects(view.hosts(), { ...NOT_READY, message: /the ledger cannot be read: no room$/ });
  await assert.rejects(view.find('h1'), NOT_READY);
  for (let tries = 0; tries < 8; tries += 1) await pass();
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  state.failure = '';
  await pass();
  assert.deepEqual(await figures(), [1, 1, 1]);
  assert.deepEqual(
    lines.map((line) => /(WARNING|INFO) (.*?)(;| error|\n)/.exec(line)?.slice(1, 3)),
    [
      ['WARNING', 'the fleet view cannot read the ledger'],
      ['INFO', 'the fleet view follows the ledger again'],
    ],
  );
  await end();
});

test('a failure while it follows: no frozen figures, and then on from where it was', async () => {
  const { view, state, start, wake, pass, store, figures, end } = setUp();
  store('a');
  await start();
  store('b');
  await wake();
  assert.deepEqual(await figures(), [2, 2, 2]);
  state.failure = 'no room';
  store('c');
  await wake();
  await assert.rejects(view.hosts(), NOT_READY);
  state.failure = '';
  state.reads.length = 0;
  await pass();
  assert.deepEqual(await figures(), [3, 3, 3]);
  assert.deepEqual(state.reads, [2, 3]);
  await end();
});

test('who asks before the first reading waits for it, but not for long', async () => {
  const { view, store, start, pass, settle, end } = setUp();
  store('a');
  const early = view.hosts();
  await settle();
  await start();
  assert.equal((await early).length, 1);
  await end();
  const other = setUp();
  const refused = assert.rejects(other.view.hosts(), { ...NOT_READY, message: /the ledger is being read$/ });
  await other.settle();
  await other.pass();
  await refused;
  await pass();
});

test('retracted episodes count alike for who has followed and for who has begun anew', async () => {
  const followed = setUp();
  followed.store('a');
  await followed.start();
  followed.store('b');
  followed.retract('a');
  followed.retract('b');
  await followed.wake();
  const begun = setUp();
  begun.store('a');
  begun.store('b');
  begun.retract('a');
  begun.retract('b');
  await begun.start();
  assert.deepEqual(await followed.figures(), [2, 2, 2]);
  assert.deepEqual(await begun.figures(), [2, 2, 2]);
  await followed.end();
  await begun.end();
});

function heartbeat(bootId: string, minute: string): Heartbeat {
  const at = `2026-05-01T${minute}:00.000000+00:00`;
  return { hostId: 'h1', machine: 'm', bootId, receivedAtWall: at, firstReceivedAtWall: at, body: {} };
}

test('the last heartbeat is the one that came last, whatever the clock said: of those of before, and of those that come', async () => {
  const { view, state, start, end } = setUp();
  state.heartbeats = [heartbeat('b1', '09:00'), heartbeat('b2', '08:00')];
  await start();
  assert.equal(view.heartbeatOf('h1')?.bootId, 'b2');
  view.heartbeat(heartbeat('b3', '07:00'));
  assert.equal(view.heartbeatOf('h1')?.bootId, 'b3');
  await end();
});

test('one that comes before those of before have been read stays', async () => {
  const { view, state, start, end } = setUp();
  state.heartbeats = [heartbeat('b1', '09:00')];
  view.heartbeat(heartbeat('b2', '08:00'));
  view.report('h1', Buffer.from('{"status":"green"}'), NOW_WALL);
  await start();
  assert.equal(view.heartbeatOf('h1')?.bootId, 'b2');
  assert.equal((await view.find('h1'))?.doctor?.status, 'green');
  await end();
});

test('doctor reports that cannot be read are told, and keep nobody from the figures', async () => {
  const { state, lines, view, start, end } = setUp();
  state.reportsFail = true;
  await start();
  assert.equal((await view.find('h1'))?.doctor?.status, 'red');
  assert.match(lines.join(''), /WARNING doctor reports of before could not be read.*the directory is gone/);
  await end();
});
