import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { LiveEvents, MOST_LISTENERS } from './live-events.ts';

/** Time passes in `pass` alone; what sleeps until then goes on. */
function setUp() {
  let nowMs = 0;
  const sleeping = new Set<{ untilMs: number; resolve: () => void }>();
  const clock: Clock = {
    wallTime: () => '2026-05-01T12:00:00.000000+00:00',
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      if (signal?.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper = { untilMs: nowMs + ms, resolve };
      sleeping.add(sleeper);
      signal?.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      sleeping.delete(sleeper);
    },
  };
  const end = new AbortController();
  const live = new LiveEvents(clock);
  const pass = async (ms: number) => {
    nowMs += ms;
    for (const { untilMs, resolve } of sleeping) if (untilMs <= nowMs) resolve();
    await nextTurn();
  };
  return { live, end, pass };
}

/** Reads all the while; `told` has what has come since it was looked at. */
function follow(events: AsyncIterable<string>) {
  let texts: string[] = [];
  let hasEnded = false;
  const reading = (async () => {
    for await (const text of events) texts.push(text);
    hasEnded = true;
  })();
  return {
    reading,
    hasEnded: () => hasEnded,
    told: async () => {
      await nextTurn();
      const seen = texts.join('');
      texts = [];
      return seen;
    },
  };
}

function listen({ live, end }: Pick<ReturnType<typeof setUp>, 'live' | 'end'>) {
  return follow(live.listen(end.signal) ?? assert.fail('it is full'));
}

test('it begins with how long to wait before another try; then each topic as it changes', async () => {
  const world = setUp();
  const { told } = listen(world);
  assert.equal(await told(), 'retry: 2000\n\n');
  const { live, pass } = world;
  const cases: [change: () => void, text: string][] = [
    [() => live.hostChanged('lab-1'), 'event: hosts\ndata: {"hosts":["lab-1"]}\n\n'],
    [
      () => live.stored('lab-2'),
      'event: hosts\ndata: {"hosts":["lab-2"]}\n\nevent: stored\ndata: {"hosts":["lab-2"]}\n\n',
    ],
    [() => live.allHostsChanged(), 'event: hosts\ndata: {"hosts":null}\n\n'],
    [() => live.alertsChanged(), 'event: alerts\ndata: {}\n\n'],
    [() => live.gateChanged(), 'event: gate\ndata: {}\n\n'],
    [() => live.minutePassed(), 'event: tick\ndata: {}\n\n'],
  ];
  for (const [change, text] of cases) {
    change();
    assert.equal(await told(), text);
    await pass(500);
  }
});

test('at most twice a second: what changes meanwhile is told at once, each host once', async () => {
  const world = setUp();
  const { told } = listen(world);
  await told();
  const { live, pass } = world;
  live.hostChanged('lab-1');
  assert.notEqual(await told(), '');
  for (const hostId of ['lab-2', 'lab-1', 'lab-2', 'lab-3']) live.hostChanged(hostId);
  live.alertsChanged();
  live.alertsChanged();
  await pass(499);
  assert.equal(await told(), '');
  await pass(1);
  assert.equal(await told(), 'event: hosts\ndata: {"hosts":["lab-2","lab-1","lab-3"]}\n\nevent: alerts\ndata: {}\n\n');
});

test('too many hosts to name are told as all of them, and named again the next time', async () => {
  const world = setUp();
  const { told } = listen(world);
  await told();
  for (let index = 0; index < 2_001; index += 1) world.live.hostChanged(`lab-${index}`);
  assert.equal(await told(), 'event: hosts\ndata: {"hosts":null}\n\n');
  await world.pass(500);
  world.live.hostChanged('lab-1');
  assert.equal(await told(), 'event: hosts\ndata: {"hosts":["lab-1"]}\n\n');
});

test('a comment each fifteen seconds in which nothing changes', async () => {
  const world = setUp();
  const { told } = listen(world);
  await told();
  await world.pass(14_999);
  assert.equal(await told(), '');
  await world.pass(1);
  assert.equal(await told(), ':\n\n');
});

test('one that does not read holds what changed once, however often it did, and reads it at last', async () => {
  const { live, end } = setUp();
  const events = live.listen(end.signal) ?? assert.fail();
  for (let index = 0; index < 100_000; index += 1) live.stored(`lab-${index % 3}`);
  assert.equal((await events.next()).value, 'retry: 2000\n\n');
  const names = '{"hosts":["lab-0","lab-1","lab-2"]}';
  assert.equal((await events.next()).value, `event: hosts\ndata: ${names}\n\nevent: stored\ndata: ${names}\n\n`);
});

test('the end ends it, whether it waits for a change or for its turn; one that never began leaves its place as well', async () => {
  for (const isPaused of [false, true]) {
    const world = setUp();
    const { told, reading } = listen(world);
    await told();
    if (isPaused) world.live.alertsChanged();
    await told();
    world.end.abort();
    await reading;
  }
  const { live, end } = setUp();
  const leaving = new AbortController();
  for (let index = 0; index < MOST_LISTENERS; index += 1) assert.ok(live.listen(leaving.signal));
  assert.equal(live.listen(end.signal), undefined);
  leaving.abort();
  assert.ok(live.listen(end.signal));
});

test('someoneListens waits for the first, and again once the last has left', async () => {
  const { live, end } = setUp();
  let resolved = 0;
  const wait = () =>
    live.someoneListens(end.signal).then(() => {
      resolved += 1;
    });
  const waiting = wait();
  await nextTurn();
  assert.equal(resolved, 0);
  const first = new AbortController();
  live.listen(first.signal);
  await waiting;
  await wait();
  first.abort();
  const again = wait();
  await nextTurn();
  assert.equal(resolved, 2);
  end.abort();
  await again;
});

test('what remembers alerts forgets them before anybody is told', async () => {
  const world = setUp();
  const { told } = listen(world);
  await told();
  let isForgotten = false;
  world.live.beforeAlerts(() => {
    isForgotten = true;
  });
  world.live.alertsChanged();
  assert.equal(isForgotten, true);
  assert.match(await told(), /alerts/);
});
