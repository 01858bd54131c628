// Sends a heartbeat every five minutes, whatever the state of the queue, and never in its way. A failure is told once, and so is its end.

import { messageOf } from '../../lib/app-error.ts';
import { type Clock, sleepUntil } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { HEARTBEAT_PATH, type Heartbeat } from '../../protocol/heartbeat.ts';
import { receivedProblemSchema } from '../../protocol/problem.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
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

type Outcome = { kind: 'heard' | 'absent' } | { kind: 'failed'; code: string; detail: string };

/** Resolves when `stop` aborts; never rejects. */
export async function runHeartbeats(dependencies: HeartbeatDependencies): Promise<void> {
  const { clock, random, stop, logger } = dependencies;
  let nextMs = clock.monotonicMs() + random() * MOST_JITTER_MS;
  let hasFailed = false;
  for (;;) {
    await sleepUntil(clock, nextMs, stop);
    if (stop.aborted) return;
    const outcome = await beat(dependencies);
    if (stop.aborted) return;
    nextMs = clock.monotonicMs() + (outcome.kind === 'absent' ? ASK_AGAIN_MS : EVERY_MS);
    if (outcome.kind === 'failed') {
      const { code, detail } = outcome;
      if (!hasFailed) logger.warn({ code, detail, cure: cureForHold(code) }, 'the receiver does not hear heartbeats');
      hasFailed = true;
    } else {
      if (hasFailed) logger.info('the receiver hears heartbeats again');
      hasFailed = false;
    }
  }
}

async function beat({ transport, collect, stop }: HeartbeatDependencies): Promise<Outcome> {
  try {
    return outcomeOf(await transport.ask('POST', HEARTBEAT_PATH, { json: await collect(), stop }));
  } catch (error) {
    const verdict = classifyNetworkError(error);
    return { kind: 'failed', code: 'code' in verdict ? verdict.code : 'network-error', detail: messageOf(error) };
  }
}

function outcomeOf({ status, body }: ReceiverAnswer): Outcome {
  if (status >= 200 && status < 300) return { kind: 'heard' };
  if (status === 404 || status === 405) return { kind: 'absent' };
  const problem = receivedProblemSchema.safeParse(parse(body)).data;
  return { kind: 'failed', code: problem?.code ?? `http-${status}`, detail: (problem?.detail ?? body).slice(0, 200) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
