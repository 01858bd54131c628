import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatWallTime, systemClock } from './clock.ts';

describe('wall time as text', () => {
  for (const [instant, text] of [
    ['2026-05-01T06:37:53.830599Z', '2026-05-01T06:37:53.830599+00:00'],
    ['2026-05-01T06:37:53.830599999Z', '2026-05-01T06:37:53.830599+00:00'],
    ['2026-05-01T06:37:53Z', '2026-05-01T06:37:53.000000+00:00'],
    ['2026-05-01T08:37:53+02:00', '2026-05-01T06:37:53.000000+00:00'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000000+00:00'],
  ] as const) {
    test(instant, () => assert.equal(formatWallTime(Temporal.Instant.from(instant)), text));
  }

  test('sorts as time does', () => {
    const lastNs = Temporal.Instant.from('9999-12-31T23:59:59.999999999Z').epochNanoseconds;
    const nanoseconds = fc.bigInt({ min: 0n, max: lastNs });
    fc.assert(
      fc.property(nanoseconds, fc.oneof(nanoseconds, fc.bigInt({ min: 0n, max: 2_000n })), (a, b) => {
        const textOf = (ns: bigint) => formatWallTime(Temporal.Instant.fromEpochNanoseconds(ns));
        assert.equal(textOf(a).length, 32);
        assert.equal(textOf(a) < textOf(b), a / 1_000n < b / 1_000n);
      }),
    );
  });

  test('is read back to the microsecond', () => {
    const { epochNanoseconds } = Temporal.Instant.from(systemClock.wallTime());
    assert.equal(epochNanoseconds % 1_000n, 0n);
    assert.match(systemClock.wallTime(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  });
});

describe('the system clock', () => {
  const LONG_MS = 3_600_000;

  test('a sleep that was stopped before it began is over', async () => {
    await systemClock.sleep(LONG_MS, AbortSignal.abort());
  });

  test('a sleep that is stopped ends without an error', async () => {
    const stop = new AbortController();
    const sleep = systemClock.sleep(LONG_MS, stop.signal);
    stop.abort();
    assert.equal(await sleep, undefined);
  });

  test('monotonic time never steps back', () => {
    const times = Array.from({ length: 100 }, () => systemClock.monotonicMs());
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });
});
