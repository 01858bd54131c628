// What every Attempts does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { AttemptIncrement, Attempts } from '../../src/storage/attempts.ts';

export interface AttemptsUnderTest {
  attempts: Attempts;
  reopen(): Promise<Attempts>;
}

export type OpenAttempts = (t: TestContext) => Promise<AttemptsUnderTest>;

const ALL = { fromMinute: '0000-01-01T00:00', toMinute: '9999-12-31T23:59' };

export function describeAttempts(name: string, open: OpenAttempts): void {
  describe(`Attempts on ${name}`, () => {
    test('increments of one (host, minute, outcome) add up, within a call and between calls', async (t) => {
      const { attempts } = await open(t);
      const one = increment('h1', '06:37', 'stored', 2);
      await attempts.add([one, { ...one, count: 3 }]);
      await attempts.add([one]);
      assert.deepEqual(await attempts.read(ALL), [{ ...one, count: 7 }]);
    });

    test('hosts, minutes and outcomes are kept apart, and read in order', async (t) => {
      const { attempts } = await open(t);
      const inOrder = [
        increment('h1', '06:37', 'conflict', 1),
        increment('h1', '06:37', 'stored', 2),
        increment('h2', '06:37', 'stored', 3),
        increment('h1', '06:38', 'stored', 4),
      ];
      await attempts.add(inOrder.toReversed());
      assert.deepEqual(await attempts.read(ALL), inOrder);
    });

    test('the order of the calls does not matter', async (t) => {
      const increments = ['h1', 'h2'].flatMap((host) =>
        ['06:37', '06:38', '06:37'].flatMap((minute, index) => [
          increment(host, minute, 'stored', index + 1),
          increment(host, minute, 'too-large', 5),
        ]),
      );
      const [one, other] = [await open(t), await open(t)];
      await Promise.all(increments.map((it) => one.attempts.add([it])));
      await other.attempts.add(increments.toReversed());
      const read = await one.attempts.read(ALL);
      assert.equal(
        read.reduce((sum, { count }) => sum + count, 0),
        increments.reduce((sum, { count }) => sum + count, 0),
      );
      assert.deepEqual(await other.attempts.read(ALL), read);
    });

    test('a range has both of its ends', async (t) => {
      const { attempts } = await open(t);
      const minutes = ['06:58', '06:59', '07:00', '07:01'];
      await attempts.add(minutes.map((minute) => increment('h1', minute, 'stored', 1)));
      const read = await attempts.read({ fromMinute: '2026-05-01T06:59', toMinute: '2026-05-01T07:00' });
      assert.deepEqual(
        read.map(({ minute }) => minute),
        ['2026-05-01T06:59', '2026-05-01T07:00'],
      );
      assert.deepEqual(await attempts.read({ fromMinute: '2026-05-02T00:00', toMinute: '2026-05-03T00:00' }), []);
    });

    test('forgetBefore drops what lies before the minute, and no more', async (t) => {
      const { attempts, reopen } = await open(t);
      const minutes = ['06:58', '06:59', '07:00', '07:01'];
      await attempts.add(minutes.flatMap((time) => ['h1', 'h2'].map((host) => increment(host, time, 'stored', 1))));
      await attempts.forgetBefore('2026-05-01T06:00');
      assert.equal((await attempts.read(ALL)).length, 8);
      await attempts.forgetBefore('2026-05-01T07:00');
      for (const opened of [async () => attempts, reopen]) {
        const state = await opened();
        assert.deepEqual(
          (await state.read(ALL)).map(({ hostId, minute }) => `${minute} ${hostId}`),
          ['07:00', '07:01'].flatMap((time) => [`2026-05-01T${time} h1`, `2026-05-01T${time} h2`]),
        );
      }
    });

    test('forgetBefore drops many, and what is added meanwhile is counted', async (t) => {
      const { attempts } = await open(t);
      await attempts.add(Array.from({ length: 5000 }, (_, index) => increment(`h${index}`, '06:58', 'stored', 1)));
      const forgetting = attempts.forgetBefore('2026-05-01T07:00');
      await attempts.add([increment('h1', '07:00', 'stored', 3)]);
      await forgetting;
      assert.deepEqual(await attempts.read(ALL), [increment('h1', '07:00', 'stored', 3)]);
    });

    test('adding nothing is nothing; what was added is there after close and open', async (t) => {
      const { attempts, reopen } = await open(t);
      await attempts.add([]);
      assert.deepEqual(await attempts.read(ALL), []);
      await attempts.add([increment('h1', '06:37', 'stored', 2)]);
      const again = await reopen();
      assert.deepEqual(await again.read(ALL), [increment('h1', '06:37', 'stored', 2)]);
    });
  });
}

function increment(hostId: string, time: string, outcome: string, count: number): AttemptIncrement {
  return { hostId, minute: `2026-05-01T${time}`, outcome, count };
}
