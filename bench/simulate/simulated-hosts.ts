// A process of many simulated hosts. Each has connections of its own, from a loopback address of its own, kept as the shipper keeps them,
// and sends when its schedule says, whether or not its last request was answered. Latency counts from the time in the schedule.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Event, type Kind, type Periods, scheduleOf } from './schedule.ts';
import { addressOf, HEALTH_REPORT, heartbeatOf, hostIdOf } from './simulated-host.ts';

export interface HostsCommand {
  port: number;
  /** This process has the hosts whose number leaves `process` when it is divided by `processes`. */
  hosts: number;
  process: number;
  processes: number;
  periods: Periods;
  seconds: number;
  speed: number;
  seed: number;
  commit: string;
  staleCommit: string;
  /** The moment, in milliseconds since 1970, at which all processes begin. */
  startsAtMs: number;
}

export interface HostsAnswer {
  /** Milliseconds from the scheduled time to the end of the answer. */
  latencies: Record<Kind, Float64Array>;
  /** Milliseconds from the scheduled time to when this process came to send it: its own lateness. */
  lateness: Float64Array;
  /** Per kind and what was answered: `episode 201 stored`. */
  answers: Record<string, number>;
  /** No answer came: the system's own word, and whether it was a new connection. */
  failures: Record<string, number>;
  /** What was answered 201: the digest by `host/episode`. */
  stored: Map<string, string>;
}

// Of so many hosts one runs code that the gate no longer trusts.
const STALE_EVERY = 100;
const BODIES = 64;
const LARGEST_BODY_BYTES = 32 * 1024;
// What is still without an answer this long after the last was sent has none.
const LAST_ANSWER_WITHIN_MS = 60_000;

const agent = new Agent({ keepAlive: true });

process.once('message', (command: HostsCommand) => {
  run(command).then(
    (answer) => process.send?.(answer, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(1));
process.send?.('ready');

interface Body {
  bytes: Buffer;
  sha256: string;
}

async function run(command: HostsCommand): Promise<HostsAnswer> {
  const mine = Array.from({ length: command.hosts }, (_, host) => host).filter(
    (host) => host % command.processes === command.process,
  );
  const schedule = scheduleOf({ ...command, hosts: mine });
  const bodies = Array.from({ length: BODIES }, (_, index): Body => {
    const bytes = randomBytes(Math.ceil(((index + 1) / BODIES) ** 2 * LARGEST_BODY_BYTES));
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  const took: Record<Kind, number[]> = { episode: [], heartbeat: [], 'host-health': [] };
  const lateness: number[] = [];
  const answer: HostsAnswer = {
    latencies: { episode: new Float64Array(), heartbeat: new Float64Array(), 'host-health': new Float64Array() },
    lateness: new Float64Array(),
    answers: {},
    failures: {},
    stored: new Map(),
  };
  const underWay = new Set<Promise<void>>();
  const startsAtMs = performance.now() + (command.startsAtMs - Date.now());
  for (const event of schedule) {
    const dueMs = startsAtMs + event.atMs;
    const waitMs = dueMs - performance.now();
    // Node's timers know whole milliseconds: what is due within one goes at once.
    if (waitMs >= 1) await delay(waitMs);
    lateness.push(Math.max(0, performance.now() - dueMs));
    const one = send(command, event, bodies).then((outcome) => {
      if (outcome.kind === 'failed') return count(answer.failures, `${event.kind} ${outcome.why}`);
      took[event.kind].push(performance.now() - dueMs);
      count(answer.answers, `${event.kind} ${outcome.status} ${outcome.code}`);
      if (outcome.status === 201) answer.stored.set(episodeOf(event), bodyOf(event, bodies).sha256);
    });
    underWay.add(one);
    void one.finally(() => underWay.delete(one));
  }
  await Promise.race([Promise.all(underWay), delay(LAST_ANSWER_WITHIN_MS, undefined, { ref: false })]);
  if (underWay.size > 0) answer.failures['no answer within a minute'] = underWay.size;
  agent.destroy();
  for (const kind of Object.keys(took) as Kind[]) answer.latencies[kind] = Float64Array.from(took[kind]);
  answer.lateness = Float64Array.from(lateness);
  return answer;
}

type Outcome = { kind: 'answered'; status: number; code: string } | { kind: 'failed'; why: string };

async function send(command: HostsCommand, event: Event, bodies: readonly Body[]): Promise<Outcome> {
  const hostId = hostIdOf(event.host);
  if (event.kind === 'heartbeat')
    return await ask(command, event.host, 'POST', '/v1/heartbeat', heartbeatOf(hostId, command.commit));
  if (event.kind === 'host-health')
    return await ask(command, event.host, 'PUT', `/v1/host-health/${hostId}`, HEALTH_REPORT);
  const { bytes, sha256 } = bodyOf(event, bodies);
  const isStale = event.host % STALE_EVERY === STALE_EVERY - 1;
  return await ask(command, event.host, 'PUT', `/v1/episodes/${episodeOf(event)}.tar.zst`, bytes, {
    'X-Content-SHA256': sha256,
    'X-Cis490-Code-Commit': isStale ? command.staleCommit : command.commit,
  });
}

function bodyOf({ host, number }: Event, bodies: readonly Body[]): Body {
  return bodies[(host + number) % bodies.length] as Body;
}

function episodeOf({ host, number }: Event): string {
  return `${hostIdOf(host)}/episode-${String(number).padStart(6, '0')}`;
}

async function ask(
  { port }: HostsCommand,
  host: number,
  method: string,
  path: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
): Promise<Outcome> {
  const sent = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    agent,
    localAddress: addressOf(host),
    headers: { 'Content-Length': Buffer.byteLength(body), ...headers },
  });
  try {
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += piece;
    return { kind: 'answered', status: response.statusCode ?? 0, code: codeIn(text) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { kind: 'failed', why: `${code} on a ${sent.reusedSocket ? 'kept' : 'new'} connection` };
  }
}

function codeIn(text: string): string {
  if (text === '') return 'heard';
  const { code, status } = JSON.parse(text) as { code?: string; status?: string | number };
  return code ?? (typeof status === 'string' ? status : 'kept');
}

function count(of: Record<string, number>, what: string): void {
  of[what] = (of[what] ?? 0) + 1;
}
