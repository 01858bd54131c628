import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { RateLimit } from '../../lib/rate-limit.ts';
import { type HandClock, handClock, MemoryStore } from './data-set.fixture.ts';
import { type VerifyIndexOptions, verifyIndex } from './verify-index.ts';
import { VerifyStateFile } from './verify-state.ts';
import { WorkProgress } from './work-progress.ts';

interface Bench {
  store: MemoryStore;
  clock: HandClock;
  root: string;
  records: Record<string, unknown>[];
  /** Every file that was looked at. */
  looked: string[];
  /** Of the last run. */
  problemCount: number;
  run(options?: Partial<VerifyIndexOptions>): Promise<{ kind: string; told: string[]; lastSeq: number }>;
}

function createBench(t: TestContext): Bench {
  const root = mkdtempSync(join(tmpdir(), 'cis490-verify-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const store = new MemoryStore();
  const clock = handClock();
  const records: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (line: string) => records.push(JSON.parse(line)) });
  const looked: string[] = [];
  store.onStat = (text) => looked.push(text);
  for (const name of ['h1/a', 'h1/b', 'h1/c']) {
    store.addFile(name);
    store.addRow(name);
  }
  const bench: Bench = {
    store,
    clock,
    root,
    records,
    looked,
    problemCount: 0,
    run: async (options) => {
      const told: string[] = [];
      looked.length = 0;
      const { kind, state } = await verifyIndex({
        blobs: store.blobs,
        ledger: store.ledger,
        stateFile: new VerifyStateFile(root),
        restart: false,
        rateLimit: new RateLimit(Number.POSITIVE_INFINITY, clock),
        progress: new WorkProgress({ name: 'verifying', terminal: undefined, logger, clock }),
        onProblem: (problem) => told.push(`${problem.kind} ${problem.path}`),
        stop: new AbortController().signal,
        clock,
        logger,
        ...options,
      });
      bench.problemCount = state.problem_count;
      return { kind, told, lastSeq: state.last_seq };
    },
  };
  return bench;
}

/** Ends it while it hashes this file. */
function stopAt(bench: Bench, text: string): AbortSignal {
  const stop = new AbortController();
  bench.store.onStat = (looked) => {
    bench.looked.push(looked);
    if (looked === text) stop.abort();
  };
  return stop.signal;
}

test('an episode that is retracted while it is looked at is no damage', async (t) => {
  const bench = createBench(t);
  bench.store.onStat = (text) => {
    if (text !== 'h1/b' || !bench.store.files.delete('h1/b')) return;
    bench.store.addTombstone('h1/b');
  };
  assert.deepEqual(await bench.run(), { kind: 'whole', told: [], lastSeq: 3 });
});

test('a missing file is damage; of two rows of one episode the first stands', async (t) => {
  const bench = createBench(t);
  bench.store.addRow('h1/b');
  bench.store.files.delete('h1/b');
  assert.deepEqual(await bench.run(), { kind: 'damaged', told: ['missing episodes/h1/b.tar.zst'], lastSeq: 4 });
});

test('a row that comes while it works is verified or left, and its file is no alarm', async (t) => {
  const bench = createBench(t);
  bench.store.onStat = (text) => {
    if (text !== 'h1/b') return;
    bench.store.addFile('h1/late');
    bench.store.addRow('h1/late');
  };
  assert.equal((await bench.run()).kind, 'whole');
});

test('ended, it goes on behind the last row that was done, and tells again what was found', async (t) => {
  const bench = createBench(t);
  bench.store.files.delete('h1/a');
  const ended = await bench.run({ stop: stopAt(bench, 'h1/b') });
  assert.deepEqual(ended, { kind: 'interrupted', told: ['missing episodes/h1/a.tar.zst'], lastSeq: 1 });
  const rest = await bench.run();
  assert.deepEqual(rest, { kind: 'damaged', told: ['missing episodes/h1/a.tar.zst'], lastSeq: 3 });
  assert.deepEqual(bench.looked.slice(0, 2), ['h1/b', 'h1/c']);
});

for (const [name, change] of Object.entries({
  'it was told to': () => ({ restart: true }),
  'the ledger was replaced': ({ store }) => {
    store.identity = 'second';
    return {};
  },
  'the ledger is shorter than what was verified': ({ store }) => {
    store.entries.length = 1;
    for (const gone of ['h1/b', 'h1/c']) store.files.delete(gone);
    return {};
  },
  'the ledger was cut and has grown again': ({ store }) => {
    store.entries.length = 1;
    for (const gone of ['h1/b', 'h1/c']) store.files.delete(gone);
    for (const name of ['h1/d', 'h1/e', 'h1/f']) {
      store.addFile(name);
      store.addRow(name);
    }
    return {};
  },
} satisfies Record<string, (bench: Bench) => Partial<VerifyIndexOptions>>)) {
  test(`it begins anew when ${name}`, async (t) => {
    const bench = createBench(t);
    await bench.run({ stop: stopAt(bench, 'h1/c') });
    const options = change(bench);
    assert.equal((await bench.run(options)).kind, 'whole');
    assert.equal(bench.looked[0], 'h1/a');
  });
}

test('ended among what lies beside the ledger, it counts that once, however much there is', async (t) => {
  const bench = createBench(t);
  const [missing, unlisted] = [10_500, 600];
  for (let index = 0; index < missing; index += 1) bench.store.addRow(`h2/m${index}`);
  for (let index = 0; index < unlisted; index += 1) bench.store.addFile(`h1/u${index}`);
  const stop = new AbortController();
  let seen = 0;
  const ended = await bench.run({
    stop: stop.signal,
    onProblem: ({ kind }) => {
      if (kind !== 'unlisted') return;
      seen += 1;
      if (seen === 300) stop.abort();
    },
  });
  assert.equal(ended.kind, 'interrupted');
  assert.ok(bench.problemCount > missing, 'some were counted that are met again');
  const rest = await bench.run();
  assert.deepEqual([rest.kind, bench.problemCount], ['damaged', missing + unlisted]);
});

test('bad lines behind the last row that was verified are counted once', async (t) => {
  const bench = createBench(t);
  bench.store.badLinesAfter = { seq: 1, count: 10_050 };
  const ended = await bench.run({ stop: stopAt(bench, 'h1/b') });
  assert.deepEqual([ended.kind, ended.lastSeq, bench.problemCount], ['interrupted', 1, 10_050]);
  await bench.run();
  assert.equal(bench.problemCount, 10_050);
});

test('after a run that came to its end the next begins anew', async (t) => {
  const bench = createBench(t);
  await bench.run();
  await bench.run();
  assert.deepEqual(bench.looked, ['h1/a', 'h1/b', 'h1/c']);
});

test('progress is saved every five seconds of work, in the middle of a file too', async (t) => {
  const bench = createBench(t);
  const saved: number[] = [];
  class Watched extends VerifyStateFile {
    override async save(state: Parameters<VerifyStateFile['save']>[0]): Promise<void> {
      saved.push(state.last_seq);
      await super.save(state);
    }
  }
  // Each content has 15 bytes: 15 s each, in waits of a second.
  await bench.run({ stateFile: new Watched(bench.root), rateLimit: new RateLimit(1, bench.clock) });
  assert.deepEqual(saved, [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3]);
});

test('where nothing can be saved it says so once and verifies all the same', async (t) => {
  const bench = createBench(t);
  const stateFile = new VerifyStateFile(join(bench.root, 'absent'));
  assert.equal((await bench.run({ stateFile, rateLimit: new RateLimit(1, bench.clock) })).kind, 'whole');
  assert.equal(bench.records.filter(({ msg }) => String(msg).includes('cannot be saved')).length, 1);
});
