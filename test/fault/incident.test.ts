// An incident that outlasts the receiver, and a channel that is away for a day: no alert is lost, none is told twice in its hour, and its end
// is told, too.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { settleRun } from '../../src/fleet-health/life-cycle/settle-run.ts';
import { openNotifiers } from '../../src/fleet-health/notify/open-notifiers.ts';
import { formatWallTime } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { receiverConfigDefinition } from '../../src/receiver/receiver-config.ts';
import { openMonitorState } from '../../src/storage/open-storage.ts';
import { canFakeTime, SteppingClock } from '../support/fake-clock.ts';
import { TestFleet } from '../support/fleet.ts';
import { Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Message {
  groups: { kind: string; symptom: string; hosts: string[] }[];
}

/** A webhook's other end; `isAway`: it takes nothing. */
async function openSink(t: TestContext) {
  const sink = { isAway: false, calls: 0, messages: [] as Message[], url: '' };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      sink.calls += 1;
      if (!sink.isAway) sink.messages.push(JSON.parse(body));
      response.writeHead(sink.isAway ? 503 : 200).end();
    });
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  sink.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return sink;
}

const channelTo = (url: string) => `[[fleet.notifier]]\nname = "on-call"\nkind = "webhook"\nurl = "${url}"\n`;

const told = (messages: readonly Message[]) =>
  messages
    .flatMap(({ groups }) => groups)
    .flatMap(({ kind, symptom, hosts }) => hosts.map((host) => `${kind} ${host} ${symptom}`))
    .sort();

test('the receiver is killed and started again in the middle of an incident', async (t) => {
  if (!canFakeTime(t)) return;
  const sink = await openSink(t);
  const fleet = await TestFleet.create(temporaryDirectory(t), channelTo(sink.url));
  // In the middle of an hour, so that what is told once in an hour is.
  const clock = new SteppingClock(join(fleet.root, 'clock'), '@2026-05-01 12:10:00');
  const startReceiver = async () => {
    const receiver = Program.cis490(['receiver', '--config', fleet.receiverConfig], clock.environment);
    t.after(() => receiver.kill());
    await receiver.printed(/receiver is listening/);
    return receiver;
  };
  const tick = async () => {
    const monitor = Program.cis490(['fleet-health', '--config', fleet.receiverConfig], clock.environment);
    assert.equal((await monitor.ended).code, 0, monitor.stderr);
  };
  const beat = async (sentAt: string, held: { count: number; code: string } | null) => {
    const body = JSON.stringify({
      host_id: 'lab-1',
      sent_at_wall: sentAt,
      machine: 'm',
      boot_id: 'b',
      held,
    });
    const headers = { 'Content-Type': 'application/json' };
    assert.equal((await send(fleet.port, '/v1/heartbeat', { method: 'POST', headers, body })).status, 204);
  };
  const rows = () => {
    const path = join(fleet.store, 'alerts.jsonl');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
    return lines.map((line) => JSON.parse(line)).map(({ host, symptom }) => `${host} ${symptom}`);
  };

  let receiver = await startReceiver();
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x')).status, 201);
  await beat('2026-05-01T12:10:00Z', { count: 3, code: 'credential-invalid' });
  await tick();
  assert.deepEqual([rows(), told(sink.messages)], [['lab-1 refused'], ['firing lab-1 refused']]);
  await receiver.kill();
  await tick();
  assert.deepEqual(rows(), ['lab-1 refused', '* receiver-down']);
  clock.set('@2026-05-01 12:20:00');
  receiver = await startReceiver();
  for (let n = 0; n < 3; n += 1) await tick();
  assert.deepEqual(rows(), ['lab-1 refused', '* receiver-down'], 'once in its hour');
  clock.set('@2026-05-01 12:30:00');
  await beat('2026-05-01T12:30:00Z', null);
  for (let n = 0; n < 3; n += 1) await tick();
  assert.deepEqual(rows(), ['lab-1 refused', '* receiver-down']);
  assert.deepEqual(told(sink.messages), [
    'firing * receiver-down',
    'firing lab-1 refused',
    'resolved * receiver-down',
    'resolved lab-1 refused',
  ]);
});

test('a channel that is away for a day: when it is back it is told what fires, once, and what has ended', async (t) => {
  const sink = await openSink(t);
  const directory = temporaryDirectory(t);
  const configPath = join(directory, 'receiver.toml');
  writeFileSync(configPath, `version_gate.enabled = false\n${channelTo(sink.url)}`);
  const { config } = loadConfig(receiverConfigDefinition, configPath);
  const state = await openMonitorState(join(directory, 'monitor.db'));
  t.after(() => state.close());
  const minuteMs = 60_000;
  let nowMs = Date.parse('2026-05-01T12:00:00Z');
  const tick = async (hosts: readonly string[]) => {
    nowMs += 5 * minuteMs;
    const nowWall = formatWallTime(Temporal.Instant.fromEpochMilliseconds(nowMs));
    const clock = { wallTime: () => nowWall, monotonicMs: () => 0, sleep: async () => undefined };
    const logger = createLogger({ level: 'error', form: 'plain', clock, write: (line) => t.diagnostic(line) });
    const notifiers = openNotifiers(config.fleet.notifier);
    const telling = { notifiers, heartbeatUrl: undefined, recoveryRuns: 2, reminderS: 3600 };
    const findings = hosts.map((host) => ({ host, symptom: 'silent' as const, detail: 'x', suggestedFix: 'y' }));
    const run = {
      nowMs,
      nowWall,
      findings,
      canTell: () => true,
      retired: new Set<string>(),
      isWhole: true,
      memory: '',
    };
    await settleRun({ ...telling, state, logger, clock, random: () => 0 }, run);
  };
  await tick(['told-before']);
  assert.deepEqual(told(sink.messages), ['firing told-before silent']);
  sink.isAway = true;
  sink.messages.length = 0;
  sink.calls = 0;
  const ticksInADay = 288;
  for (let n = 0; n < ticksInADay; n += 1) {
    const comesAndGoes = n > 50 && n < 60 ? ['came-and-went'] : [];
    await tick(['all-day', ...(n < 100 ? ['told-before'] : []), ...comesAndGoes, ...(n > 280 ? ['late'] : [])]);
  }
  assert.deepEqual(sink.messages, []);
  assert.ok(sink.calls < ticksInADay / 4, `${sink.calls} attempts in a day`);
  sink.isAway = false;
  const ticksInAnHour = 12;
  for (let n = 0; n < ticksInAnHour && sink.messages.length === 0; n += 1) await tick(['all-day', 'late']);
  assert.deepEqual(told(sink.messages), [
    'firing late silent',
    // The first that anybody hears of it: it still fires.
    'reminder all-day silent',
    'resolved came-and-went silent',
    'resolved told-before silent',
  ]);
  assert.equal(sink.messages.length, 1, 'in one message');
});
