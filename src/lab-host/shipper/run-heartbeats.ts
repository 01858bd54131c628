// Sends a heartbeat every five minutes, whatever the state of the queue, and never in its way. A failure is told once, and so is its end:
// what this host cannot find out about itself is not laid at the receiver's door.

import { errnoOf, messageOf } from '../../lib/app-error.ts';
import { type Clock, sleepUntil } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { HEARTBEAT_PATH, type Heartbeat } from '../../protocol/heartbeat.ts';
import { type ReceiverAnswer, type Refused, refusedBy } from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import type { Transport } from './put-episode.ts';

const EVERY_MS = 5 * 60_000;
/** A receiver that knows no heartbeats may be a newer one an hour later. */
const ASK_AGAIN_MS = 60 * 60_000;
/** So that a fleet that was switched on at once does not come at once. */
const MOST_JITTER_MS = 30_000;

export interface HeartbeatDependencies {
  transport: Pick<Transport, 'ask'>;
  collect: () => Promise<Heartbeat>;
  clock: Clock;
  random: () => number;
  stop: AbortSignal;
  logger: Logger;
}

type Outcome =
  | { kind: 'heard' | 'absent' }
  /** Nothing was sent. `path` is what could not be read, where the system says. */
  | { kind: 'not-collected'; code: string; detail: string; path: string | undefined; cure: string }
  | { kind: 'failed'; code: string; detail: string; cure: string };

const TOLD = {
  'not-collected': ['no heartbeat can be sent: this host cannot read its own state', 'heartbeats are sent again'],
  failed: ['the receiver does not hear heartbeats', 'the receiver hears heartbeats again'],
} as const;

/** Resolves when `stop` aborts; never rejects. */
export async function runHeartbeats(dependencies: HeartbeatDependencies): Promise<void> {
  const { clock, random, stop, logger } = dependencies;
  let nextMs = clock.monotonicMs() + random() * MOST_JITTER_MS;
  let told: keyof typeof TOLD | undefined;
  for (;;) {
    await sleepUntil(clock, nextMs, stop);
    if (stop.aborted) return;
    const outcome = await beat(dependencies);
    if (stop.aborted) return;
    nextMs = clock.monotonicMs() + (outcome.kind === 'absent' ? ASK_AGAIN_MS : EVERY_MS);
    if (outcome.kind === 'failed' || outcome.kind === 'not-collected') {
      const { kind, ...fields } = outcome;
      if (told !== kind) logger.warn(fields, TOLD[kind][0]);
      told = kind;
    } else {
      if (told) logger.info(TOLD[told][1]);
      told = undefined;
    }
  }
}

async function beat({ transport, collect, stop }: HeartbeatDependencies): Promise<Outcome> {
  let heartbeat: Heartbeat;
  try {
    heartbeat = await collect();
  } catch (error) {
    return notCollected(error);
  }
  try {
    return outcomeOf(await transport.ask('POST', HEARTBEAT_PATH, { json: heartbeat, stop }));
  } catch (error) {
    return failed(classifyNetworkError(error));
  }
}

function notCollected(error: unknown): Outcome {
  const path = error instanceof Error && 'path' in error ? String(error.path) : undefined;
  const code = errnoOf(error) ?? 'not-collected';
  return { kind: 'not-collected', code, path, detail: messageOf(error), cure: cureForReading(code, path) };
}

function cureForReading(code: string, path: string | undefined): string {
  if (path === undefined) return 'look at the data directory: cis490 shipper status';
  const look = `ls -ld ${shellWord(path)}`;
  if (code === 'EACCES' || code === 'EPERM')
    return `the user of the shipper (systemctl show -P User cis490-shipper) must be allowed to read it: ${look}`;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return `it must be there, and a directory: ${look}; the shipper makes its own at a start: sudo systemctl restart cis490-shipper`;
  return `look at it, and at the disk: ${look}; dmesg | tail`;
}

function failed({ code, detail }: Refused): Outcome {
  return { kind: 'failed', code, detail, cure: cureForHold(code) };
}

function outcomeOf(answer: ReceiverAnswer): Outcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'heard' };
  if (status === 404 || status === 405) return { kind: 'absent' };
  return failed(refusedBy(answer));
}
