import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { hasSystemPart } from '../../test/support/system-part.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { systemClock } from './clock.ts';
import { createNotifier } from './sd-notify.ts';

const HELPER = join(import.meta.dirname, '../../test/support/notify_socket.py');
const PATH = process.env['PATH'];

interface NotifySocket {
  path: string;
  /** All messages that have arrived, once nothing more can come: ends the socket. */
  end(): Promise<string[]>;
}

async function openSocket(t: TestContext): Promise<NotifySocket> {
  const path = join(temporaryDirectory(t), 'notify');
  const child = spawn('python3', [HELPER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const messages: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => messages.push(JSON.parse(line)));
  await once(lines, 'line');
  return {
    path,
    end: async () => {
      child.stdin.end();
      await once(lines, 'close');
      // The barrier that systemd-notify sends behind each message is no message of ours.
      return messages.filter((text) => text !== 'bound' && text !== 'BARRIER=1');
    },
  };
}

function recordingLogger() {
  const records: Record<string, unknown>[] = [];
  return { records, logger: pino({ base: null }, { write: (line: string) => records.push(JSON.parse(line)) }) };
}

const hasParts = (t: TestContext) =>
  hasSystemPart(t, ['systemd-notify', '--version'], 'systemd') && hasSystemPart(t, ['python3', '--version'], 'python3');

test('what is said arrives, in order; what is said at once goes together', async (t) => {
  if (!hasParts(t)) return;
  const socket = await openSocket(t);
  const { logger, records } = recordingLogger();
  const notifier = createNotifier({ PATH, NOTIFY_SOCKET: socket.path }, logger);
  notifier.status('3 episodes\nMAINPID=1');
  notifier.ready();
  await notifier.settled();
  notifier.status('4 episodes');
  await notifier.settled();
  notifier.status('4 episodes');
  await notifier.settled();
  notifier.stopping();
  await notifier.settled();
  assert.deepEqual(await socket.end(), ['STATUS=3 episodes MAINPID=1\nREADY=1', 'STATUS=4 episodes', 'STOPPING=1']);
  assert.deepEqual(records, []);
});

test('while one child tells, of each kind the newest waits', async (t) => {
  if (!hasParts(t)) return;
  const socket = await openSocket(t);
  const notifier = createNotifier({ PATH, NOTIFY_SOCKET: socket.path }, pino({ level: 'silent' }));
  notifier.ready();
  // The child has been started when this turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve));
  for (let count = 1; count <= 100; count += 1) notifier.status(`${count} episodes`);
  notifier.stopping();
  await notifier.settled();
  assert.deepEqual(await socket.end(), ['READY=1', 'STATUS=100 episodes\nSTOPPING=1']);
});

test('the watchdog is told twice in the time that it gives, not with each chunk', async (t) => {
  if (!hasParts(t)) return;
  const socket = await openSocket(t);
  const clock = { ...systemClock, nowMs: 5, monotonicMs: () => clock.nowMs };
  const environment = { PATH, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '180000000', WATCHDOG_PID: `${process.pid}` };
  const notifier = createNotifier(environment, pino({ level: 'silent' }), clock);
  assert.equal(notifier.watchdogIntervalMs, 90_000);
  for (const stepMs of [0, 0, 89_999, 1, 1, 90_000]) {
    clock.nowMs += stepMs;
    notifier.alive();
    await notifier.settled();
  }
  assert.deepEqual(await socket.end(), ['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
});

test('nobody watches', async (t) => {
  const logger = pino({ level: 'silent' });
  const path = join(temporaryDirectory(t), 'nobody');
  const cases: [NodeJS.ProcessEnv, number | undefined][] = [
    [{}, undefined],
    [{ WATCHDOG_USEC: '1000000' }, undefined],
    [{ NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000000' }, undefined],
    [{ NOTIFY_SOCKET: path }, undefined],
    [{ NOTIFY_SOCKET: path, WATCHDOG_USEC: '0' }, undefined],
    [{ NOTIFY_SOCKET: path, WATCHDOG_USEC: 'soon' }, undefined],
    [{ NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }, undefined],
    [{ NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000000' }, 500],
  ];
  for (const [environment, expected] of cases) {
    assert.equal(createNotifier(environment, logger).watchdogIntervalMs, expected, JSON.stringify(environment));
  }
});

test('without a socket nothing is started', async () => {
  const { logger, records } = recordingLogger();
  const notifier = createNotifier({ PATH: '/nonexistent' }, logger);
  notifier.ready();
  notifier.status('x');
  notifier.alive();
  notifier.stopping();
  await notifier.settled();
  assert.deepEqual(records, []);
});

test('a failure is one warning until it works again, and never more than that', async (t) => {
  if (!hasParts(t)) return;
  const { logger, records } = recordingLogger();
  const directory = temporaryDirectory(t);
  const notifier = createNotifier({ PATH: directory, NOTIFY_SOCKET: join(directory, 'nobody') }, logger);
  const say = async (text: string) => {
    notifier.status(text);
    await notifier.settled();
  };
  await say('no program');
  await say('no program still');
  assert.equal(records.length, 1);
  assert.match(String(records[0]?.['reason']), /ENOENT/);

  const program = join(directory, 'systemd-notify');
  writeFileSync(program, '#!/bin/sh\necho "no such socket" >&2\nexit 1\n', { mode: 0o755 });
  await say('it fails');
  assert.equal(records.length, 1);
  writeFileSync(program, '#!/bin/sh\nexit 0\n');
  await say('it works');
  writeFileSync(program, '#!/bin/sh\necho "no such socket" >&2\nexit 1\n');
  await say('it fails again');
  assert.equal(records.length, 2);
  assert.equal(records[1]?.['reason'], 'no such socket');
});
