import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { branchOf, commitOf, HeldSource, recordingLogger, TestClock } from './gate.fixture.ts';
import type { GateFileContent } from './gate-file.ts';
import { SourceChain } from './source-chain.ts';

const STANDS_IN =
  'WARNING version gate: the commits of the local repository count too until the source answers source=git-fallback';

let clock: TestClock;
let primary: HeldSource;
let fallback: HeldSource;
let log: string[];
let chain: SourceChain;

function open(options: { remembered?: GateFileContent; withoutFallback?: boolean } = {}): void {
  clock = new TestClock();
  primary = new HeldSource();
  fallback = new HeldSource();
  const recording = recordingLogger(clock);
  log = recording.log;
  chain = new SourceChain({
    primary,
    fallback: options.withoutFallback ? undefined : fallback,
    remembered: options.remembered,
    window: 2,
    refreshMs: 5_000,
    clock,
    logger: recording.logger,
  });
}
beforeEach(() => open());

const vouchedBy = (n: number) => chain.known.vouchedBy(commitOf(n));

function ask(n: number): { isFresh: boolean | undefined } {
  const asked: { isFresh: boolean | undefined } = { isFresh: undefined };
  void chain
    .refreshed(() => vouchedBy(n) !== undefined)
    .then((isFresh) => {
      asked.isFresh = isFresh;
    });
  return asked;
}

async function primaryAnswers(...numbers: number[]): Promise<void> {
  primary.answer(branchOf('forgejo', ...numbers));
  await nextTurn();
}
async function fallbackAnswers(...numbers: number[]): Promise<void> {
  fallback.answer(branchOf('git-fallback', ...numbers));
  await nextTurn();
}
async function primaryFails(): Promise<void> {
  primary.fail();
  await nextTurn();
}

describe('the fallback', () => {
  test('is not read while the primary source answers', async () => {
    await primaryAnswers(2, 1);
    const asked = ask(9);
    await primaryAnswers(2, 1);
    assert.equal(asked.isFresh, true);
    assert.equal(fallback.readings.length, 0);
  });

  test('is read at the first failure, adds commits, and is told once an outage', async () => {
    await primaryFails();
    assert.equal(fallback.readings.length, 1);
    await fallbackAnswers(2, 1);
    assert.deepEqual([vouchedBy(2), chain.known.head], ['git-fallback', commitOf(2)]);
    for (let n = 0; n < 3; n += 1) {
      clock.advance(5_001);
      chain.current();
      await primaryFails();
      await fallbackAnswers(3, 2);
    }
    assert.equal(log.filter((line) => line === STANDS_IN).length, 1);
    clock.advance(5_001);
    chain.current();
    await primaryAnswers(2);
    assert.equal(vouchedBy(3), undefined);
    clock.advance(5_001);
    chain.current();
    await primaryFails();
    await fallbackAnswers(3, 2);
    assert.equal(vouchedBy(3), 'git-fallback');
    assert.equal(chain.known.head, commitOf(2));
    assert.equal(log.filter((line) => line === STANDS_IN).length, 2);
  });

  test('is asked for what is missing as soon as the primary source fails', async () => {
    await primaryAnswers(1);
    const asked = ask(2);
    await primaryFails();
    // One was under way before the question's own could begin.
    await fallbackAnswers(1);
    await fallbackAnswers(2, 1);
    assert.equal(asked.isFresh, false);
    assert.equal(vouchedBy(2), 'git-fallback');
  });

  test('is asked at once during an outage: a primary source that hangs does not keep its word back', async () => {
    await primaryFails();
    await fallbackAnswers(1);
    const asked = ask(2);
    await fallbackAnswers(2, 1);
    assert.equal(primary.readings.length, 2);
    assert.equal(asked.isFresh, false);
    assert.equal(vouchedBy(2), 'git-fallback');
  });

  test('does not end the waiting when it has not got the commit: the primary source may come back', async () => {
    await primaryFails();
    await fallbackAnswers(1);
    const asked = ask(9);
    await fallbackAnswers(1);
    assert.equal(asked.isFresh, undefined);
    await primaryAnswers(9, 1);
    assert.equal(asked.isFresh, true);
    assert.equal(vouchedBy(9), 'forgejo');
  });

  test('what it says after the primary source came back is not heard', async () => {
    await primaryFails();
    const asked = ask(9);
    await primaryAnswers(1);
    await fallbackAnswers(9, 1);
    assert.equal(asked.isFresh, true);
    assert.equal(vouchedBy(9), undefined);
    assert.ok(!log.includes(STANDS_IN));
  });

  test('that fails too is no more than that', async () => {
    await primaryFails();
    fallback.fail();
    await nextTurn();
    const asked = ask(9);
    await primaryFails();
    fallback.fail();
    await nextTurn();
    assert.equal(asked.isFresh, false);
    assert.equal(chain.state.lastError, 'no route; the fallback too: no route');
    assert.equal(chain.known.isKnown, false);
  });
});

test('whoever has waited 2 s is told that it is not fresh, whatever hangs', async () => {
  for (const isFailing of [false, true]) {
    open();
    if (isFailing) await primaryFails();
    const asked = ask(9);
    clock.advance(1_999);
    await nextTurn();
    assert.equal(asked.isFresh, undefined);
    clock.advance(1);
    await nextTurn();
    assert.equal(asked.isFresh, false);
  }
});

test('many that ask share the readings', async () => {
  await primaryFails();
  await fallbackAnswers(1);
  const asked = Array.from({ length: 100 }, () => ask(9));
  await fallbackAnswers(1);
  await fallbackAnswers(1);
  await primaryFails();
  await primaryFails();
  assert.ok(asked.every(({ isFresh }) => isFresh === false));
  assert.ok(primary.readings.length <= 3 && fallback.readings.length <= 4);
});

describe('an idle gate', () => {
  test('reads once a minute until it is closed', async () => {
    await primaryAnswers(1);
    for (const readings of [2, 3]) {
      clock.advance(59_999);
      await nextTurn();
      assert.equal(primary.readings.length, readings - 1);
      clock.advance(1);
      await nextTurn();
      assert.equal(primary.readings.length, readings);
      await primaryAnswers(1);
    }
    await chain.close();
    clock.advance(600_000);
    await nextTurn();
    assert.equal(primary.readings.length, 3);
    assert.equal(clock.sleeping, 0);
  });

  test('gives up what is under way when it closes, and tells nothing of it', async () => {
    const asked = ask(1);
    await chain.close();
    await nextTurn();
    assert.equal(asked.isFresh, false);
    assert.deepEqual(log, []);
  });
});

describe('after a restart', () => {
  const remembered: GateFileContent = {
    format_version: 1,
    repository: 'r',
    branch: 'main',
    commits: [2, 1].map(commitOf),
    learned_from: 'forgejo',
    added_commits: [commitOf(9)],
    source: 'forgejo',
    refreshed_at_wall: '2026-05-01T11:00:00.000000+00:00',
    last_error: null,
  };

  test('what was known lets in at once, refuses nobody, and goes when the source answers', async () => {
    open({ remembered });
    assert.deepEqual([vouchedBy(2), vouchedBy(9), vouchedBy(7)], ['last-known-good', 'last-known-good', undefined]);
    assert.deepEqual(chain.state, {
      source: 'last-known-good',
      refreshedAt: '2026-05-01T11:00:00.000000+00:00',
      lastError: null,
    });
    const asked = ask(7);
    // The reading at the start, then the question's own.
    await primaryFails();
    await primaryFails();
    await fallbackAnswers(5);
    await fallbackAnswers(5);
    assert.equal(asked.isFresh, false);
    assert.deepEqual([chain.known.head, vouchedBy(5), vouchedBy(1)], [commitOf(2), 'git-fallback', 'last-known-good']);
    const again = ask(7);
    await primaryAnswers(3, 2);
    assert.equal(again.isFresh, true);
    assert.deepEqual([vouchedBy(3), vouchedBy(1), vouchedBy(5)], ['forgejo', undefined, undefined]);
    assert.equal(chain.state.refreshedAt, clock.wallTime());
  });

  test('a branch that was rewritten meanwhile is told', async () => {
    open({ remembered });
    await primaryAnswers(8, 1);
    assert.deepEqual(log, ['WARNING version gate: the branch was rewritten; the new window counts at once']);
  });
});

test('the state tells who stands behind the gate now', async () => {
  open({ withoutFallback: true });
  assert.deepEqual(chain.state, { source: null, refreshedAt: null, lastError: null });
  await primaryAnswers(1);
  const refreshedAt = clock.wallTime();
  assert.deepEqual(chain.state, { source: 'forgejo', refreshedAt, lastError: null });
  clock.advance(6_000);
  chain.current();
  await primaryFails();
  assert.deepEqual(chain.state, { source: 'last-known-good', refreshedAt, lastError: 'no route' });
});
