import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SharedSync } from './shared-sync.ts';

/** A sync that ends when the test says so. */
function controlledSync() {
  const runs: PromiseWithResolvers<void>[] = [];
  const shared = new SharedSync(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  return { shared, runs };
}

function settling(promise: Promise<void>): { state: string } {
  const seen = { state: 'waiting' };
  promise.then(
    () => {
      seen.state = 'done';
    },
    (error: Error) => {
      seen.state = error.message;
    },
  );
  return seen;
}

test('the first request syncs at once, and resolves when that sync has ended', async () => {
  const { shared, runs } = controlledSync();
  const request = settling(shared.request());
  assert.equal(runs.length, 1);
  await nextTurn();
  assert.equal(request.state, 'waiting');
  runs[0]?.resolve();
  await nextTurn();
  assert.equal(request.state, 'done');
});

test('whoever asks while a sync runs is not served by it, and all of them share the next', async () => {
  const { shared, runs } = controlledSync();
  const first = settling(shared.request());
  const later = Array.from({ length: 10 }, () => settling(shared.request()));
  runs[0]?.resolve();
  await nextTurn();
  assert.equal(first.state, 'done');
  assert.equal(runs.length, 2);
  assert.ok(
    later.every(({ state }) => state === 'waiting'),
    'served by a sync that began before they asked',
  );
  const third = settling(shared.request());
  runs[1]?.resolve();
  await nextTurn();
  assert.ok(later.every(({ state }) => state === 'done'));
  assert.equal(third.state, 'waiting');
  assert.equal(runs.length, 3);
  runs[2]?.resolve();
  await nextTurn();
  assert.equal(third.state, 'done');
});

test('a failure is told to those whom that sync was for, and to nobody else', async () => {
  const { shared, runs } = controlledSync();
  const first = settling(shared.request());
  const second = settling(shared.request());
  runs[0]?.reject(new Error('first failed'));
  await nextTurn();
  assert.equal(first.state, 'first failed');
  assert.equal(second.state, 'waiting');
  runs[1]?.resolve();
  await nextTurn();
  assert.equal(second.state, 'done');
  const third = settling(shared.request());
  runs[2]?.reject(new Error('third failed'));
  await nextTurn();
  assert.equal(third.state, 'third failed');
});

test('each of many requests, made at any time, is served by a sync that began after it was made', async () => {
  let clock = 0;
  let running = 0;
  const shared = new SharedSync(async () => {
    running += 1;
    const began = ++clock;
    await nextTurn();
    lastCovered = Math.max(lastCovered, began);
    running -= 1;
  });
  let lastCovered = 0;
  const requests: Promise<void>[] = [];
  for (let round = 0; round < 50; round += 1) {
    for (let within = 0; within < 3; within += 1) {
      const asked = ++clock;
      requests.push(
        shared.request().then(() => {
          assert.ok(lastCovered > asked, `asked at ${asked}, and synced no later than ${lastCovered}`);
        }),
      );
      await Promise.resolve();
    }
    if (round % 3 === 0) await nextTurn();
  }
  await Promise.all(requests);
  assert.equal(running, 0);
});

test('idle before, between and after syncs, failed ones too; not while one runs', async () => {
  const { shared, runs } = controlledSync();
  assert.equal(shared.idle, true);
  const request = shared.request();
  assert.equal(shared.idle, false);
  runs[0]?.reject(new Error('failed'));
  await assert.rejects(request, /failed/);
  assert.equal(shared.idle, true);
});
