import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { watchChanges } from './watch-changes.ts';

/** `pass` ends the sleep between two looks, and waits for the next one. */
async function start(t: TestContext) {
  let nowMs = 0;
  let wake = () => {};
  let asleep = Promise.withResolvers<void>();
  const now = { monitor: '1', control: '1', head: 'a' as string | null, failure: '' };
  const told: string[] = [];
  const lines: string[] = [];
  let looks = 0;
  const someone = Promise.withResolvers<void>();
  const stop = new AbortController();
  const clock: Clock = {
    wallTime: () => '2026-05-01T12:00:00.000000+00:00',
    monotonicMs: () => nowMs,
    sleep: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      if (stop.signal.aborted) resolve();
      asleep.resolve();
      await promise;
    },
  };
  const version = async (of: 'monitor' | 'control') => {
    if (now.failure !== '') throw new Error(now.failure);
    looks += 1;
    return now[of];
  };
  const watching = watchChanges(
    {
      live: {
        someoneListens: () => someone.promise,
        alertsChanged: () => told.push('alerts'),
        gateChanged: () => told.push('gate'),
        minutePassed: () => told.push('tick'),
      },
      monitorState: { version: () => version('monitor') },
      control: { version: () => version('control') },
      head: () => now.head,
      clock,
      logger: createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line) }),
    },
    stop.signal,
  );
  t.after(async () => {
    stop.abort();
    someone.resolve();
    wake();
    await watching;
  });
  return {
    now,
    lines,
    looks: () => looks,
    someoneListens: async () => {
      someone.resolve();
      await asleep.promise;
    },
    pass: async (ms = 1_000) => {
      asleep = Promise.withResolvers();
      nowMs += ms;
      wake();
      await asleep.promise;
      return told.splice(0);
    },
  };
}

test('each change is told once; one that says nothing is not told', async (t) => {
  const { now, someoneListens, pass } = await start(t);
  await someoneListens();
  assert.deepEqual(await pass(), []);
  now.monitor = '2';
  assert.deepEqual(await pass(), ['alerts']);
  assert.deepEqual(await pass(), []);
  // A retired host is a decision, too.
  now.control = '2';
  assert.deepEqual(await pass(), ['alerts', 'gate']);
  now.head = 'b';
  assert.deepEqual(await pass(), ['gate']);
  now.head = null;
  assert.deepEqual(await pass(), ['gate']);
  assert.deepEqual(await pass(60_000), ['tick']);
  assert.deepEqual(await pass(), []);
});

test('nothing is looked at while nobody listens; what changed meanwhile is told to the first who does', async (t) => {
  const { now, looks, someoneListens, pass } = await start(t);
  const before = looks();
  now.monitor = '2';
  await Promise.resolve();
  assert.equal(looks(), before);
  await someoneListens();
  assert.ok(looks() > before);
  assert.deepEqual(await pass(), ['alerts']);
});

test('what cannot be looked at is told in the log once, and what changed is told when it can again', async (t) => {
  const { now, lines, someoneListens, pass } = await start(t);
  await someoneListens();
  now.failure = 'held by another process';
  now.monitor = '2';
  for (let look = 0; look < 3; look += 1) assert.deepEqual(await pass(), []);
  assert.equal(lines.length, 1);
  now.failure = '';
  assert.deepEqual(await pass(), ['alerts']);
});
