import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { formatWallTime } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import type { Alert, MonitorState, NotificationKind } from '../../storage/monitor-state.ts';
import { openMonitorState } from '../../storage/open-storage.ts';
import { deliverDue } from './deliver.ts';
import { alertOf, FakeNotifier, NOON, resolvedOf } from './notify.fixture.ts';

const NOON_MS = Date.parse(NOON);
const MINUTE_MS = 60_000;

class World {
  readonly state: MonitorState;
  readonly lines: string[] = [];
  nowMs = NOON_MS;

  constructor(state: MonitorState) {
    this.state = state;
  }

  static async open(t: TestContext): Promise<World> {
    const state = await openMonitorState(join(temporaryDirectory(t), 'monitor.db'));
    t.after(() => state.close());
    return new World(state);
  }

  async put(alert: Alert, queued: Record<string, NotificationKind> = {}): Promise<void> {
    const { acknowledged, ...ofRun } = alert;
    const notifications = Object.entries(queued).map(([channel, kind]) => {
      return { channel, alertId: alert.id, kind, queuedAt: this.wallTime() };
    });
    await this.state.applyRun({
      alerts: [ofRun],
      notifications,
      memory: '',
      ranAt: this.wallTime(),
      forgetResolvedBefore: '1970',
    });
    if (acknowledged) await this.state.acknowledge(alert.id, acknowledged);
  }

  async deliver(notifiers: FakeNotifier[], limitMs?: number): Promise<string[]> {
    const clock = { wallTime: () => this.wallTime(), monotonicMs: () => 0, sleep: async () => undefined };
    const logger = createLogger({ level: 'debug', form: 'plain', clock, write: (line) => this.lines.push(line) });
    const { waiting } = await deliverDue({
      state: this.state,
      notifiers,
      logger,
      clock,
      random: () => 1,
      ...(limitMs !== undefined && { limitMs }),
    });
    return waiting;
  }

  async queue(): Promise<string[]> {
    return (await this.state.waitingNotifications()).map(
      ({ channel, alertId, kind }) => `${channel} ${alertId} ${kind}`,
    );
  }

  wallTime(): string {
    return formatWallTime(Temporal.Instant.fromEpochMilliseconds(this.nowMs));
  }
}

const refuse = async () => {
  throw new Error('503 come back later');
};

test('all that waits for a channel is one message, and leaves the queue once it was taken', async (t) => {
  const world = await World.open(t);
  await world.put(alertOf('h1', { id: 'a1' }), { web: 'firing', mail: 'firing' });
  await world.put(resolvedOf('h2', { id: 'a2' }), { web: 'resolved' });
  const [web, mail] = [new FakeNotifier('web'), new FakeNotifier('mail')];
  assert.deepEqual(await world.deliver([web, mail]), []);
  assert.deepEqual(
    web.messages.map(({ title }) => title),
    ['cis490 FIRING silent: h1 | RESOLVED silent: h2'],
  );
  assert.deepEqual(
    mail.messages.map(({ title }) => title),
    ['cis490 FIRING silent: h1'],
  );
  assert.deepEqual(await world.queue(), []);
  assert.deepEqual(await world.deliver([web, mail]), []);
  assert.equal(web.messages.length, 1);
  assert.deepEqual(world.lines, []);
});

test('a channel that fails is put off for 1 min to 1 h, tells it once, and tells once when it works again', async (t) => {
  const world = await World.open(t);
  await world.put(alertOf('h1', { id: 'a1' }), { web: 'firing' });
  const web = new FakeNotifier('web');
  web.answer = refuse;
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    assert.deepEqual(await world.deliver([web]), ['web']);
    const [channel] = await world.state.channels();
    assert.deepEqual([channel?.failures, channel?.lastError], [attempt + 1, '503 come back later']);
    waits.push(((channel?.nextTryAtMs ?? 0) - world.nowMs) / MINUTE_MS);
    world.nowMs = (channel?.nextTryAtMs ?? 0) - 1;
    assert.deepEqual(await world.deliver([web]), ['web'], 'it still waits');
    assert.equal(web.messages.length, attempt + 1, 'and is not due');
    world.nowMs += 1;
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
  web.answer = async () => ({ answer: '200 OK' });
  assert.deepEqual(await world.deliver([web]), []);
  assert.deepEqual(await world.queue(), []);
  assert.deepEqual(await world.state.channels(), [
    { name: 'web', failures: 0, nextTryAtMs: 0, lastError: null, lastSentAt: world.wallTime() },
  ]);
  assert.deepEqual(
    world.lines.map((line) => line.replace(/^\S+ /, '').trimEnd()),
    [
      'WARNING a channel fails; what waits for it is sent when it works again channel=web reason="503 come back later"',
      'INFO a channel works again channel=web failures=8',
    ],
  );
});

test('a clock that was set back a year does not put a channel off for a year', async (t) => {
  const world = await World.open(t);
  await world.put(alertOf('h1', { id: 'a1' }), { web: 'firing' });
  const web = new FakeNotifier('web');
  web.answer = refuse;
  await world.deliver([web]);
  world.nowMs -= 365 * 24 * 60 * MINUTE_MS;
  web.answer = async () => ({ answer: '200 OK' });
  assert.deepEqual(await world.deliver([web]), []);
});

test('a channel that hangs delays no other', async (t) => {
  const world = await World.open(t);
  await world.put(alertOf('h1', { id: 'a1' }), { hangs: 'firing', web: 'firing' });
  const [hangs, web] = [new FakeNotifier('hangs'), new FakeNotifier('web')];
  const released = Promise.withResolvers<void>();
  const webWasTold = Promise.withResolvers<void>();
  hangs.answer = async () => {
    await released.promise;
    return { answer: 'late' };
  };
  web.answer = async () => {
    webWasTold.resolve();
    return { answer: '200 OK' };
  };
  const delivering = world.deliver([hangs, web]);
  await webWasTold.promise;
  released.resolve();
  assert.deepEqual(await delivering, []);
});

test('a channel that never answers has failed when its time is over', async (t) => {
  const world = await World.open(t);
  await world.put(alertOf('h1', { id: 'a1' }), { hangs: 'firing' });
  const hangs = new FakeNotifier('hangs');
  hangs.answer = () => new Promise(() => undefined);
  assert.deepEqual(await world.deliver([hangs], 10), ['hangs']);
  assert.deepEqual(await world.queue(), ['hangs a1 firing']);
  assert.equal((await world.state.channels())[0]?.lastError, 'nothing came within 0.01 s');
});

test('what is silenced or explained since waits on; so does a reminder of what was acknowledged', async (t) => {
  const world = await World.open(t);
  const acknowledged = { at: NOON, by: 'ada', reason: 'on my way' };
  await world.put(alertOf('h1', { id: 'a1', silencedBy: 's1' }), { web: 'firing' });
  await world.put(alertOf('h2', { id: 'a2', suppressedBy: 'receiver-down' }), { web: 'reminder' });
  await world.put(alertOf('h3', { id: 'a3', acknowledged }), { web: 'reminder' });
  await world.put(alertOf('h4', { id: 'a4', acknowledged }), { web: 'firing' });
  const web = new FakeNotifier('web');
  assert.deepEqual(await world.deliver([web]), []);
  assert.deepEqual(
    web.messages.map(({ title }) => title),
    ['cis490 FIRING silent: h4'],
  );
  await world.put(alertOf('h1', { id: 'a1' }));
  assert.deepEqual(await world.deliver([web]), []);
  assert.deepEqual(web.messages.map(({ title }) => title).slice(1), ['cis490 FIRING silent: h1']);
  assert.deepEqual(await world.queue(), ['web a2 reminder', 'web a3 reminder']);
});

test('what ended without a message is not told as firing', async (t) => {
  const world = await World.open(t);
  await world.put(resolvedOf('h1', { id: 'a1' }), { web: 'firing' });
  const web = new FakeNotifier('web');
  assert.deepEqual(await world.deliver([web]), []);
  assert.deepEqual([web.messages, await world.queue()], [[], []]);
});

test('a channel with states of its own is told at each run of all that fires and was told, whatever failed before', async (t) => {
  const world = await World.open(t);
  await world.put(alertOf('h1', { id: 'a1' }));
  await world.put(alertOf('h2', { id: 'a2', silencedBy: 's1' }));
  await world.put(alertOf('h3', { id: 'a3', suppressedBy: 'receiver-down' }));
  await world.put(alertOf('h4', { id: 'a4', suppressedBy: 'receiver-down', notifiedAt: null }));
  await world.put(resolvedOf('h5', { id: 'a5' }), { am: 'resolved' });
  await world.put(resolvedOf('h1', { id: 'a6' }), { am: 'resolved' });
  const am = new FakeNotifier('am', 'of-all');
  const sent = () => am.messages.at(-1)?.alerts.map(({ host, kind }) => `${host} ${kind}`);
  am.answer = refuse;
  assert.deepEqual(await world.deliver([am]), ['am']);
  am.answer = async () => ({ answer: '200 OK' });
  assert.deepEqual(await world.deliver([am]), []);
  assert.deepEqual(sent(), ['h1 firing', 'h3 firing', 'h5 resolved'], 'the end of h1, which fires again, is not told');
  assert.deepEqual(await world.queue(), []);
  assert.deepEqual(await world.deliver([am]), []);
  assert.deepEqual([am.messages.length, sent()], [3, ['h1 firing', 'h3 firing']]);
});

test('a message that was taken in part is told', async (t) => {
  const world = await World.open(t);
  await world.put(alertOf('h1', { id: 'a1' }), { mail: 'firing' });
  const mail = new FakeNotifier('mail');
  mail.answer = async () => ({ answer: '250 OK', warning: 'refused x@example.org' });
  assert.deepEqual(await world.deliver([mail]), []);
  assert.match(
    world.lines.join(''),
    /WARNING a channel took a message in part channel=mail reason="refused x@example.org"/,
  );
});
