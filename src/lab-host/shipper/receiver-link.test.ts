import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Clock } from '../../lib/clock.ts';
import { type Admission, ReceiverLink } from './receiver-link.ts';

/** Stands still until it is moved; whoever sleeps is woken when their time has come. */
class StandingClock implements Clock {
  nowMs = 0;
  readonly #sleepers = new Set<{ untilMs: number; wake: () => void }>();

  wallTime(): string {
    return '1970-01-01T00:00:00.000000+00:00';
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { untilMs: this.nowMs + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    signal?.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#sleepers.delete(sleeper);
  }

  async moveTo(ms: number): Promise<void> {
    this.nowMs = ms;
    for (const { untilMs, wake } of [...this.#sleepers]) if (untilMs <= ms) wake();
    await nextTurn();
  }
}

const NEVER = new AbortController().signal;
let clock: StandingClock;
let random: number;
let link: ReceiverLink;

beforeEach(() => {
  clock = new StandingClock();
  random = 1;
  link = new ReceiverLink(clock, () => random);
});

/** Asks to be let through; `answer` is undefined while the caller waits. */
function ask(stop: AbortSignal = NEVER): { answer: Admission | 'stopped' | undefined } {
  const asked: { answer: Admission | 'stopped' | undefined } = { answer: undefined };
  void link.admit(stop, 'patient').then((answer) => {
    asked.answer = answer ?? 'stopped';
  });
  return asked;
}

const nextTryAtMs = () => link.trouble?.nextTryAtMs;

describe('while the receiver answers', () => {
  test('everybody is let through', async () => {
    const asked = [ask(), ask(), ask()];
    await nextTurn();
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      ['free', 'free', 'free'],
    );
    assert.equal(link.trouble, undefined);
  });

  test('nobody after a stop', async () => {
    assert.equal(await link.admit(AbortSignal.abort(), 'patient'), undefined);
    assert.equal(await link.admit(AbortSignal.abort(), 'impatient'), undefined);
  });
});

describe('backoff', () => {
  test('doubles from 1 s up to 5 min', () => {
    const delaysMs = Array.from({ length: 12 }, () => {
      link.failed('econnrefused', undefined);
      return nextTryAtMs();
    });
    assert.deepEqual(
      delaysMs,
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((s) => s * 1_000),
    );
    assert.deepEqual(link.trouble, { kind: 'transient', code: 'econnrefused', failures: 12, nextTryAtMs: 300_000 });
  });

  test('has full jitter: any time from now to the limit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 40 }), (drawn, failures) => {
        random = drawn;
        link = new ReceiverLink(clock, () => random);
        for (let n = 0; n < failures; n += 1) link.failed('x', undefined);
        assert.equal(nextTryAtMs(), drawn * Math.min(300_000, 1_000 * 2 ** (failures - 1)));
      }),
    );
  });

  test('takes its first step again and again while an upload moves on', () => {
    for (let n = 0; n < 12; n += 1) {
      link.failed('econnreset', undefined);
      assert.equal(nextTryAtMs(), 1_000);
      assert.equal(link.isHopeless, false);
      link.movedOn();
      assert.equal(link.trouble?.kind, 'transient', 'it is not over before an attempt is');
    }
    for (const delayMs of [1_000, 2_000, 4_000]) {
      link.failed('econnreset', undefined);
      assert.equal(nextTryAtMs(), delayMs);
    }
    assert.equal(link.isHopeless, true);
  });

  test('a hold is not moved by an upload', () => {
    link.held('forbidden');
    link.movedOn();
    assert.equal(link.isHopeless, true);
  });

  test('begins anew after a success', () => {
    for (let n = 0; n < 5; n += 1) link.failed('x', undefined);
    link.succeeded();
    assert.equal(link.trouble, undefined);
    link.failed('x', undefined);
    assert.equal(nextTryAtMs(), 1_000);
  });

  for (const [retryAfterS, drawn, delayMs] of [
    [30, 1, 31_000],
    [30, 0.25, 30_250],
    [30, 0, 30_000],
    [0, 1, 1_000],
    [0, 0, 0],
    [0.5, 0, 500],
    [3_600, 0, 3_600_000],
    [1e9, 0, 3_600_000],
    [1e9, 1, 3_601_000],
  ] as const) {
    test(`Retry-After: ${retryAfterS} with ${drawn} drawn waits ${delayMs} ms`, () => {
      random = drawn;
      clock.nowMs = 50;
      link.failed('http-503', retryAfterS);
      assert.equal(nextTryAtMs(), 50 + delayMs);
    });
  }
});

test('what the receiver asks for comes on top of the backoff, so that a fleet that was told the same comes back apart', () => {
  for (const delayMs of [31_000, 32_000, 34_000, 38_000]) {
    link.failed('http-503', 30);
    assert.equal(nextTryAtMs(), delayMs);
  }
});

describe('in trouble', () => {
  test('one is let through when the time has come, and the others wait for what becomes of it', async () => {
    link.failed('x', undefined);
    const asked = [ask(), ask(), ask()];
    await clock.moveTo(999);
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      [undefined, undefined, undefined],
    );
    await clock.moveTo(1_000);
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      ['probe', undefined, undefined],
    );
    await clock.moveTo(600_000);
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      ['probe', undefined, undefined],
    );
  });

  test('a success lets all who wait through at once', async () => {
    link.failed('x', undefined);
    const asked = [ask(), ask(), ask()];
    await clock.moveTo(1_000);
    link.succeeded();
    await nextTurn();
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      ['probe', undefined, undefined],
    );
    link.ended('probe');
    await nextTurn();
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      ['probe', 'free', 'free'],
    );
  });

  test('a failure of the one makes the others wait longer', async () => {
    link.failed('x', undefined);
    const asked = [ask(), ask()];
    await clock.moveTo(1_000);
    link.failed('x', undefined);
    link.ended('probe');
    await nextTurn();
    await clock.moveTo(2_999);
    assert.equal(asked[1]?.answer, undefined);
    await clock.moveTo(3_000);
    assert.equal(asked[1]?.answer, 'probe');
  });

  test('an attempt that ended without a verdict gives its turn to one other', async () => {
    link.failed('x', undefined);
    const asked = [ask(), ask(), ask()];
    await clock.moveTo(1_000);
    link.ended('probe');
    await nextTurn();
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      ['probe', 'probe', undefined],
    );
    assert.equal(link.trouble?.kind, 'transient');
  });

  test('a stop wakes all who wait, and lets none through', async () => {
    link.held('forbidden');
    const stop = new AbortController();
    const asked = [ask(stop.signal), ask(stop.signal)];
    await nextTurn();
    stop.abort();
    await nextTurn();
    assert.deepEqual(
      asked.map(({ answer }) => answer),
      ['stopped', 'stopped'],
    );
  });
});

test('who waits longest makes the next attempt, also when one who came later has given up', async () => {
  link.held('forbidden');
  const stop = new AbortController();
  const asked = [ask(stop.signal), ask(), ask()];
  await clock.moveTo(30_000);
  stop.abort();
  await nextTurn();
  for (const [minute, expected] of [
    [1, ['stopped', 'probe', undefined]],
    [2, ['stopped', 'probe', 'probe']],
  ] as const) {
    await clock.moveTo(minute * 60_000);
    assert.deepEqual(
      asked.slice(0, 3).map(({ answer }) => answer),
      expected,
    );
    link.held('forbidden');
    asked.push(ask());
    link.ended('probe');
    await nextTurn();
  }
});

test('who comes at the very moment does not overtake who has waited for it', async () => {
  link.held('forbidden');
  const waiting = ask();
  await nextTurn();
  clock.nowMs = 60_000;
  const late = ask();
  await nextTurn();
  assert.equal(late.answer, undefined);
  await clock.moveTo(60_000);
  assert.deepEqual([waiting.answer, late.answer], ['probe', undefined]);
});

test('an attempt from before the trouble does not give the turn of the probe away', async () => {
  link.failed('x', undefined);
  const asked = [ask(), ask()];
  await clock.moveTo(1_000);
  link.ended('free');
  await nextTurn();
  assert.deepEqual(
    asked.map(({ answer }) => answer),
    ['probe', undefined],
  );
});

describe('held', () => {
  test('one probe a minute', async () => {
    assert.equal(link.held('forbidden'), true);
    assert.deepEqual(link.trouble, { kind: 'held', code: 'forbidden', nextTryAtMs: 60_000 });
    const asked = Array.from({ length: 5 }, () => ask());
    const admitted = () => asked.filter(({ answer }) => answer === 'probe').length;
    for (const minute of [1, 2, 3]) {
      await clock.moveTo(minute * 60_000 - 1);
      assert.equal(admitted(), minute - 1);
      await clock.moveTo(minute * 60_000);
      assert.equal(admitted(), minute);
      assert.equal(link.held('forbidden'), false);
      link.ended('probe');
      await nextTurn();
      assert.equal(admitted(), minute);
    }
  });

  test('is news once per reason', () => {
    assert.equal(link.held('forbidden'), true);
    assert.equal(link.held('forbidden'), false);
    assert.equal(link.held('tls-failed'), true);
    link.succeeded();
    assert.equal(link.held('tls-failed'), true);
  });

  test('counts no failures: a link that fails afterwards begins with a short wait', () => {
    link.failed('x', undefined);
    link.failed('x', undefined);
    link.held('forbidden');
    link.failed('x', undefined);
    assert.deepEqual(link.trouble, { kind: 'transient', code: 'x', failures: 1, nextTryAtMs: 1_000 });
  });
});

describe('the impatient', () => {
  const admitted = () => link.admit(NEVER, 'impatient');

  test('try without a wait until three failures in a row', async () => {
    for (const expected of ['free', 'free', 'free', undefined]) {
      assert.equal(await admitted(), expected);
      link.failed('x', undefined);
    }
    link.succeeded();
    assert.equal(await admitted(), 'free');
  });

  test('give up at once when the queue is held', async () => {
    link.held('forbidden');
    assert.equal(await admitted(), undefined);
  });
});
