import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from './at-once.ts';

async function* upTo(count: number): AsyncGenerator<number> {
  for (let at = 0; at < count; at += 1) yield at;
}

const never = new AbortController().signal;

test('each item once, as many at a time as allowed', async () => {
  const done: number[] = [];
  let [running, most] = [0, 0];
  await atOnce(upTo(20), 3, never, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    done.push(item);
  });
  assert.deepEqual(
    done.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, at) => at),
  );
  assert.equal(most, 3);
});

test('the first failure stops the others, and is thrown when all have ended', async () => {
  let ended = 0;
  const begun: number[] = [];
  const work = async (item: number, signal: AbortSignal) => {
    begun.push(item);
    if (item === 1) {
      // The others have begun by then.
      await new Promise(setImmediate);
      throw new Error('one');
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    ended += 1;
  };
  await assert.rejects(atOnce(upTo(20), 3, never, work), /^Error: one$/);
  assert.deepEqual([begun.length, ended], [3, 2]);
});

test('nothing begins once it is told to stop', async () => {
  const stop = new AbortController();
  const begun: number[] = [];
  await atOnce(upTo(20), 2, stop.signal, async (item) => {
    begun.push(item);
    if (item === 4) stop.abort();
  });
  assert.ok(begun.length <= 6, String(begun));
});
