import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { formatWallTime } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import { openMonitorState } from '../../storage/open-storage.ts';
import type { DetectedRun } from '../detected-run.ts';
import { FakeNotifier, NOON } from '../notify/notify.fixture.ts';
import { settleRun } from './settle-run.ts';

const SILENT = { host: 'h1', symptom: 'silent', detail: 'd', suggestedFix: 'f' } as const;

class World {
  readonly state: MonitorState;
  readonly lines: string[] = [];
  readonly web = new FakeNotifier('web');
  readonly am = new FakeNotifier('am', 'of-all');
  heartbeatUrl: string | undefined;
  minute = 0;

  constructor(state: MonitorState) {
    this.state = state;
  }

  static async open(t: TestContext): Promise<World> {
    const state = await openMonitorState(join(temporaryDirectory(t), 'monitor.db'));
    t.after(() => state.close());
    return new World(state);
  }

  /** Five minutes after the run before. */
  async run(fields: Partial<DetectedRun> = {}, state = this.state): Promise<void> {
    this.minute += 5;
    const instant = Temporal.Instant.from(NOON).add({ minutes: this.minute });
    const nowWall = formatWallTime(instant);
    const clock = { wallTime: () => nowWall, monotonicMs: () => 0, sleep: async () => undefined };
    const options = {
      state,
      notifiers: [this.web, this.am],
      heartbeatUrl: this.heartbeatUrl,
      recoveryRuns: 2,
      reminderS: 3_600,
      logger: createLogger({ level: 'debug', form: 'plain', clock, write: (line) => this.lines.push(line) }),
      clock,
    };
    await settleRun(options, {
      nowMs: instant.epochMilliseconds,
      nowWall,
      findings: [],
      canTell: () => true,
      retired: new Set(),
      isWhole: true,
      memory: `minute ${this.minute}`,
      ...fields,
    });
  }
}

/** Counts the calls. */
async function heartbeatSink(t: TestContext): Promise<{ url: string; calls: string[]; status: number }> {
  const sink = { url: '', calls: [] as string[], status: 200 };
  const server = createServer((request, response) => {
    sink.calls.push(`${request.method} ${request.url}`);
    response.writeHead(sink.status).end();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  sink.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/1f2e`;
  return sink;
}

const titlesOf = ({ messages }: FakeNotifier) => messages.map(({ title }) => title);

test('from finding to resolved: the states, the memory, and what each kind of channel is told', async (t) => {
  const world = await World.open(t);
  await world.run({ findings: [SILENT] });
  await world.run({ findings: [SILENT] });
  assert.equal(await world.state.memory(), 'minute 10');
  assert.deepEqual(
    (await world.state.firingAlerts()).map(({ host, symptom }) => `${host} ${symptom}`),
    ['h1 silent'],
  );
  await world.run();
  await world.run();
  await world.run();
  assert.deepEqual(await world.state.firingAlerts(), []);
  assert.deepEqual(titlesOf(world.web), ['cis490 FIRING silent: h1', 'cis490 RESOLVED silent: h1']);
  assert.deepEqual(
    world.am.messages.map(({ alerts }) => alerts.map(({ kind }) => kind)),
    [['firing'], ['firing'], ['firing'], ['resolved']],
  );
  assert.deepEqual(world.lines, []);
});

test('a channel that was down for the whole of it gets one message: resolved, and since when', async (t) => {
  const world = await World.open(t);
  const refuse = async () => {
    throw new Error('down');
  };
  world.web.answer = refuse;
  await world.run({ findings: [SILENT] });
  await world.run();
  await world.run();
  world.web.messages.length = 0;
  world.web.answer = async () => ({ answer: '200 OK' });
  world.minute += 60;
  await world.run();
  assert.deepEqual(titlesOf(world.web), ['cis490 RESOLVED silent: h1']);
  assert.match(
    world.web.messages[0]?.text ?? '',
    /since 2026-05-01 12:05 UTC, until 2026-05-01 12:15 UTC \(10 min 0 s\)/,
  );
});

test('a run that ended between its transaction and its messages: the next one sends them', async (t) => {
  const world = await World.open(t);
  const killed = new Proxy(world.state, {
    get: (state, key) => {
      if (key === 'forgetChannelsExcept') throw new Error('killed');
      const value: unknown = Reflect.get(state, key, state);
      return typeof value === 'function' ? value.bind(state) : value;
    },
  });
  await world.run({ findings: [SILENT] }, killed);
  assert.deepEqual(titlesOf(world.web), []);
  assert.match(world.lines.join(''), /WARNING the queue of notifications cannot be used.* reason=killed/);
  await world.run({ findings: [SILENT] });
  assert.deepEqual(titlesOf(world.web), ['cis490 FIRING silent: h1']);
});

test('the heartbeat URL is called after a good run alone', async (t) => {
  const world = await World.open(t);
  const sink = await heartbeatSink(t);
  world.heartbeatUrl = sink.url;
  await world.run({ findings: [SILENT] });
  assert.deepEqual(sink.calls, ['GET /1f2e'], 'alerts are no failure');
  await world.run({ isWhole: false });
  assert.equal(sink.calls.length, 1, 'a source could not be read');
  world.web.answer = async () => {
    throw new Error('down');
  };
  await world.run({ findings: [{ ...SILENT, host: 'h2' }] });
  assert.equal(sink.calls.length, 1, 'a channel has not taken what waits for it');
  await world.run({ retired: new Set(['h2']) });
  assert.equal(sink.calls.length, 1, 'the end of h1 waits for it');
});

test('a heartbeat URL that does not answer well is one warning, without its path', async (t) => {
  const world = await World.open(t);
  const sink = await heartbeatSink(t);
  sink.status = 500;
  world.heartbeatUrl = sink.url;
  await world.run();
  assert.equal(world.lines.length, 1);
  assert.match(
    world.lines[0] ?? '',
    /WARNING the heartbeat URL did not take the call of this run reason=".* answered 500 /,
  );
  assert.doesNotMatch(world.lines[0] ?? '', /1f2e/);
});

test('a channel that is no longer configured is forgotten with what waits for it', async (t) => {
  const world = await World.open(t);
  await world.state.putChannel({ name: 'old', failures: 3, nextTryAtMs: 0, lastError: 'x', lastSentAt: null });
  await world.run({ findings: [SILENT] });
  assert.deepEqual(
    (await world.state.channels()).map(({ name }) => name),
    ['am', 'web'],
  );
});

test('resolved alerts are kept for 90 days, and a replay of a time to come forgets none', async (t) => {
  const world = await World.open(t);
  await world.run({ findings: [SILENT] });
  await world.run();
  await world.run();
  const resolvedAtMinute = world.minute;
  const count = async () => (await world.state.listAlerts({ limit: 10 })).length;
  await world.run({ nowWall: '2031-01-01T00:00:00.000000+00:00' });
  assert.equal(await count(), 1);
  world.minute = resolvedAtMinute + 90 * 24 * 60 - 5;
  await world.run();
  assert.equal(await count(), 1);
  await world.run();
  assert.equal(await count(), 0);
});
