import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parsePlainLogLine } from '../../lib/log-line.ts';
import { createLogger } from '../../lib/logger.ts';
import { BranchCache } from './branch-cache.ts';
import type { BranchKnowledge, CommitSource } from './commit-source.ts';

const REFRESH_MS = 5_000;
const PATIENCE_MS = 2_000;
const ONE: BranchKnowledge = { commits: ['1'], source: 'git' };
const TWO: BranchKnowledge = { commits: ['2', '1'], source: 'git' };
const REWRITTEN: BranchKnowledge = { commits: ['9'], source: 'git' };

/** Answers when it is told to. */
class HeldSource implements CommitSource {
  readonly readings: PromiseWithResolvers<BranchKnowledge>[] = [];

  read(): Promise<BranchKnowledge> {
    const reading = Promise.withResolvers<BranchKnowledge>();
    this.readings.push(reading);
    return reading.promise;
  }

  async answer(knowledge: BranchKnowledge): Promise<void> {
    this.readings.at(-1)?.resolve(knowledge);
    await nextTurn();
  }

  async fail(): Promise<void> {
    this.readings.at(-1)?.reject(new Error('no route'));
    await nextTurn();
  }
}

let nowMs: number;
let sleepers: Set<() => void>;
let source: HeldSource;
let log: string[];
let cache: BranchCache;
let closing: AbortController;
let heard: unknown[];

beforeEach(() => {
  nowMs = 0;
  sleepers = new Set();
  source = new HeldSource();
  log = [];
  heard = [];
  closing = new AbortController();
  const clock = {
    wallTime: () => '2026-05-01T06:37:53.830599+00:00',
    monotonicMs: () => nowMs,
    sleep: (ms: number, signal?: AbortSignal) => {
      assert.equal(ms, PATIENCE_MS);
      const { promise, resolve } = Promise.withResolvers<void>();
      sleepers.add(resolve);
      signal?.addEventListener('abort', () => {
        sleepers.delete(resolve);
        resolve();
      });
      return promise;
    },
  };
  const write = (line: string) => {
    const read = parsePlainLogLine(line.trimEnd());
    log.push(`${read?.level} ${read?.message}`);
  };
  cache = new BranchCache(source, {
    refreshMs: REFRESH_MS,
    clock,
    logger: createLogger({ level: 'info', form: 'plain', clock, write }),
    closing: closing.signal,
    onLearned: (knowledge, hadFailed) => heard.push([knowledge.commits[0], hadFailed]),
    onFailed: (isFirst) => heard.push(isFirst),
  });
});

/** Asks for what is fresh; `answer` is undefined while the caller waits. */
function ask(): { answer: boolean | undefined } {
  const asked: { answer: boolean | undefined } = { answer: undefined };
  void cache.refreshed(PATIENCE_MS).then((answer) => {
    asked.answer = answer;
  });
  return asked;
}

async function learn(knowledge: BranchKnowledge): Promise<void> {
  const asked = ask();
  await source.answer(knowledge);
  assert.equal(asked.answer, true);
}

describe('what is known', () => {
  test('is nothing at first, and is read behind the first caller’s back', async () => {
    assert.equal(cache.current(), undefined);
    assert.equal(cache.current(), undefined);
    assert.equal(source.readings.length, 1);
    await source.answer(ONE);
    assert.deepEqual(cache.current(), ONE);
    assert.equal(source.readings.length, 1);
  });

  test('is read again once it is older than the interval, and stands until then', async () => {
    await learn(ONE);
    nowMs = REFRESH_MS;
    assert.deepEqual(cache.current(), ONE);
    assert.equal(source.readings.length, 1);
    nowMs = REFRESH_MS + 1;
    assert.deepEqual(cache.current(), ONE);
    assert.equal(source.readings.length, 2);
    await source.answer(TWO);
    assert.deepEqual(cache.current(), TWO);
    assert.equal(source.readings.length, 2);
  });

  test('stays when the source fails', async () => {
    await learn(ONE);
    const asked = ask();
    await source.fail();
    assert.equal(asked.answer, false);
    assert.deepEqual(cache.current(), ONE);
  });

  test('a source that fails is looked at no more often than one that answers', async () => {
    for (let n = 0; n < 200; n += 1) {
      nowMs = (n * REFRESH_MS) / 200;
      assert.equal(cache.current(), undefined);
      await source.fail();
    }
    assert.equal(source.readings.length, 1);
    nowMs = REFRESH_MS;
    cache.current();
    assert.equal(source.readings.length, 1);
    nowMs = REFRESH_MS + 1;
    cache.current();
    assert.equal(source.readings.length, 2 as number);
    await source.answer(ONE);
    assert.deepEqual(cache.current(), ONE);
  });

  test('is replaced at once when the branch was rewritten, which is told', async () => {
    await learn(ONE);
    await learn(TWO);
    assert.deepEqual(log, []);
    await learn(REWRITTEN);
    assert.deepEqual(cache.current(), REWRITTEN);
    assert.deepEqual(log, ['WARNING version gate: the branch was rewritten; the new window counts at once']);
  });
});

describe('what is fresh', () => {
  test('many callers share one reading', async () => {
    const asked = Array.from({ length: 100 }, ask);
    assert.equal(source.readings.length, 1 as number);
    await nextTurn();
    // All but the first came while it ran: they share the next.
    await source.answer(ONE);
    assert.equal(source.readings.length, 2);
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      [true, ...Array(99).fill(undefined)],
    );
    await source.answer(TWO);
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      Array(100).fill(true),
    );
    assert.equal(source.readings.length, 2);
  });

  test('a reading that began before the call does not count', async () => {
    cache.current();
    const asked = ask();
    await source.answer(ONE);
    assert.equal(asked.answer, undefined);
    assert.equal(source.readings.length, 2);
    await source.answer(TWO);
    assert.equal(asked.answer, true);
    assert.deepEqual(cache.current(), TWO);
  });

  test('a failure before the call does not count either', async () => {
    cache.current();
    const asked = ask();
    await source.fail();
    assert.equal(asked.answer, undefined);
    await source.answer(ONE);
    assert.equal(asked.answer, true);
  });

  test('a failure after the call is no freshness', async () => {
    const asked = ask();
    await source.fail();
    assert.equal(asked.answer, false);
    assert.equal(source.readings.length, 1);
  });

  test('whoever has waited long enough is told no, and the reading goes on', async () => {
    const asked = ask();
    await nextTurn();
    for (const wake of sleepers) wake();
    await nextTurn();
    assert.equal(asked.answer, false);
    await source.answer(ONE);
    assert.deepEqual(cache.current(), ONE);
    assert.equal(source.readings.length, 1);
  });

  test('no timer is left behind', async () => {
    await learn(ONE);
    const asked = ask();
    await source.fail();
    assert.equal(asked.answer, false);
    assert.equal(sleepers.size, 0);
  });
});

test('trouble is told once, and its end', async () => {
  for (let n = 0; n < 3; n += 1) {
    ask();
    await source.fail();
  }
  await learn(ONE);
  await learn(ONE);
  ask();
  await source.fail();
  assert.deepEqual(log, [
    'WARNING version gate: the source failed; what is known stays in force',
    'INFO version gate: the source answers again',
    'WARNING version gate: the source failed; what is known stays in force',
  ]);
});

test('its owner hears of each reading, and whether it is news', async () => {
  await learn(ONE);
  for (let n = 0; n < 2; n += 1) {
    ask();
    await source.fail();
    assert.equal(cache.failure, 'no route');
  }
  await learn(TWO);
  assert.equal(cache.failure, null);
  assert.deepEqual(heard, [['1', false], true, false, ['2', true]]);
});

test('when it closes, what is under way counts no more, nothing new begins, and nothing is told', async () => {
  for (const end of [() => source.fail(), () => source.answer(TWO)]) {
    const asked = ask();
    closing.abort();
    await end();
    await cache.settled();
    assert.equal(asked.answer, false);
    assert.equal(cache.current(), undefined);
    const later = ask();
    await nextTurn();
    assert.equal(later.answer, false);
  }
  assert.equal(source.readings.length, 1);
  assert.deepEqual([log, heard], [[], []]);
});

test('a head from an earlier run that is gone was rewritten too', async () => {
  const messages: string[] = [];
  const clock = { wallTime: () => '', monotonicMs: () => 0, sleep: () => new Promise<void>(() => undefined) };
  const write = (line: string) => void messages.push(line.trim());
  const logger = createLogger({ level: 'info', form: 'plain', clock, write });
  for (const headBefore of ['1', '7']) {
    new BranchCache(source, { refreshMs: REFRESH_MS, clock, logger, headBefore }).current();
    await source.answer(TWO);
  }
  assert.deepEqual(messages, [
    'WARNING version gate: the branch was rewritten; the new window counts at once before=7 head=2',
  ]);
});
