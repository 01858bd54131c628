import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { AppError } from '../../lib/app-error.ts';
import { createLogger } from '../../lib/logger.ts';
import type { Heartbeat } from '../../protocol/heartbeat.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { type HeartbeatDependencies, runHeartbeats } from './run-heartbeats.ts';

const MIN_MS = 60_000;
const BEAT = { host_id: 'lab-1' } as Heartbeat;

type Scripted = number | Error;

/** Runs until the script is at its end. Time passes only by sleeping. */
async function run(script: Scripted[], more: Partial<HeartbeatDependencies> = {}) {
  const stop = new AbortController();
  const clock = {
    nowMs: 0,
    wallTime: () => '',
    monotonicMs: () => clock.nowMs,
    sleep: async (ms: number) => {
      if (asked.length === script.length) stop.abort();
      clock.nowMs += ms;
    },
  };
  const asked: { atMs: number; what: string; json: unknown }[] = [];
  const lines: string[] = [];
  const transport: HeartbeatDependencies['transport'] = {
    ask: async (method, path, options) => {
      asked.push({ atMs: clock.nowMs, what: `${method} ${path}`, json: options?.json });
      const answer = script[asked.length - 1];
      if (answer instanceof Error) throw answer;
      return answerOf(answer ?? 500);
    },
  };
  const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line.trim()) });
  await runHeartbeats({
    transport,
    collect: async () => BEAT,
    clock,
    random: () => 0.5,
    stop: stop.signal,
    logger,
    ...more,
  });
  return { asked, lines };
}

function answerOf(status: number): ReceiverAnswer {
  return { status, contentType: 'application/json', body: '{"detail":"why"}', retryAfterS: undefined };
}

test('the first after a jitter, the next each five minutes', async () => {
  const { asked, lines } = await run([204, 204, 204]);
  assert.deepEqual(
    asked.map(({ atMs }) => atMs),
    [15_000, 15_000 + 5 * MIN_MS, 15_000 + 10 * MIN_MS],
  );
  assert.deepEqual(asked[0], { atMs: 15_000, what: 'POST /v1/heartbeat', json: BEAT });
  assert.deepEqual(lines, []);
});

for (const status of [404, 405]) {
  test(`${status} is an older receiver: asked again in an hour, without a word`, async () => {
    const { asked, lines } = await run([status, 204, 204]);
    assert.equal((asked[1]?.atMs ?? 0) - (asked[0]?.atMs ?? 0), 60 * MIN_MS);
    assert.equal((asked[2]?.atMs ?? 0) - (asked[1]?.atMs ?? 0), 5 * MIN_MS);
    assert.deepEqual(lines, []);
  });
}

for (const failure of [403, 500, new AppError('connect-timeout', 'no connection')]) {
  test(`${failure} is told once until it works again`, async () => {
    const { asked, lines } = await run([failure, failure, failure, 204, failure]);
    assert.ok(asked.every(({ atMs }) => (atMs - 15_000) % (5 * MIN_MS) === 0));
    assert.deepEqual(
      lines.map((line) => line.split(' ')[0]),
      ['WARNING', 'INFO', 'WARNING'],
      lines.join('\n'),
    );
    assert.match(lines[0] ?? '', /the receiver does not hear heartbeats code=\S+ .*cure=/);
  });
}

test("what cannot be collected is told as this host's own trouble, with its place and cure, and ends nothing", async (t) => {
  const quarantine = join(temporaryDirectory(t), 'quarantine');
  let tries = 0;
  const collect = async () => {
    tries += 1;
    if (tries === 3) mkdirSync(quarantine);
    await readdir(quarantine);
    return BEAT;
  };
  const { asked, lines } = await run([403, 204], { collect });
  assert.equal(asked[0]?.atMs, 15_000 + 10 * MIN_MS);
  assert.equal(lines.length, 3, lines.join('\n'));
  const [said = ''] = lines;
  assert.match(said, /^WARNING no heartbeat can be sent: this host cannot read its own state code=ENOENT /);
  assert.ok(said.includes(` path=${quarantine} `), said);
  assert.ok(said.includes(`ls -ld ${quarantine};`), said);
  assert.doesNotMatch(said, /receiver/);
  assert.match(lines[1] ?? '', /^WARNING the receiver does not hear heartbeats code=http-403 .*cure=/);
  assert.match(lines[2] ?? '', /^INFO the receiver hears heartbeats again$/);
});

for (const [code, cure] of [
  ['EACCES', /must be allowed to read it: ls -ld \/data\/quarantine"/],
  ['EIO', /look at it, and at the disk: ls -ld \/data\/quarantine; dmesg \| tail"/],
  [undefined, /cis490 shipper status/],
] as const) {
  test(`not collected for ${code}: its cure, and once it is over, a word`, async () => {
    const error = code ? Object.assign(new Error('why'), { code, path: '/data/quarantine' }) : new Error('why');
    let tries = 0;
    const collect = async () => {
      tries += 1;
      if (tries < 3) throw error;
      return BEAT;
    };
    const { lines } = await run([204], { collect });
    assert.deepEqual(lines.length, 2, lines.join('\n'));
    assert.match(lines[0] ?? '', cure);
    assert.equal(lines[1], 'INFO heartbeats are sent again');
  });
}
