// Sends what waits, each channel by itself: one that hangs or fails delays no other. What a channel has taken leaves the queue after that,
// so that a run that is killed in between sends it twice and never not at all.

import { messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Alert, Channel, MonitorState, Notification } from '../../storage/monitor-state.ts';
import { parseTimeMs } from '../parse-time.ts';
import { isDue, nextTryAtMs } from './backoff.ts';
import { composeMessage } from './compose-message.ts';
import type { Notifier } from './notifier.ts';
import { withinLimit } from './within-limit.ts';

type Waiting = Notification & { alert: Alert };
type MessageEvent = Pick<Waiting, 'kind' | 'alert'>;

export interface DeliverOptions {
  state: MonitorState;
  notifiers: readonly Notifier[];
  logger: Logger;
  clock: Clock;
  random?: () => number;
  /** For one message. */
  limitMs?: number;
}

/** `waiting`: channels that have not taken what is for them, because they failed now or are not due yet. Throws what the state throws. */
export async function deliverDue(options: DeliverOptions): Promise<{ waiting: string[] }> {
  const { state, notifiers } = options;
  const [queue, channels, firing] = await Promise.all([
    state.waitingNotifications(),
    state.channels(),
    state.firingAlerts(),
  ]);
  const outcomes = await Promise.allSettled(
    notifiers.map(async (notifier) => {
      const { name } = notifier;
      const channel = channels.find((known) => known.name === name) ?? newChannel(name);
      const queued = queue.filter((notification) => notification.channel === name);
      return await deliverTo(notifier, channel, queued, firing, options);
    }),
  );
  const broken = outcomes.find((outcome) => outcome.status === 'rejected');
  if (broken) throw broken.reason;
  return { waiting: notifiers.filter((_, at) => isWaiting(outcomes[at])).map(({ name }) => name) };
}

function isWaiting(outcome: PromiseSettledResult<DeliveryOutcome> | undefined): boolean {
  return outcome?.status === 'fulfilled' && outcome.value === 'waiting';
}

type DeliveryOutcome = 'nothing' | 'sent' | 'waiting';

async function deliverTo(
  notifier: Notifier,
  channel: Channel,
  queued: readonly Waiting[],
  firing: readonly Alert[],
  options: DeliverOptions,
): Promise<DeliveryOutcome> {
  const { state, clock, limitMs } = options;
  const obsolete = queued.filter(isObsolete);
  if (obsolete.length > 0) await state.settle(obsolete);
  const due = queued.filter((waiting) => !isObsolete(waiting) && !isHeldBack(waiting));
  const toldOf = notifier.told === 'of-all' ? allOf(firing, due) : due;
  if (toldOf.length === 0) return 'nothing';

  const now = clock.wallTime();
  // What keeps states of its own forgets them if it is not told at each run.
  if (notifier.told === 'of-changes' && !isDue(channel.nextTryAtMs, parseTimeMs(now) ?? 0)) return 'waiting';
  let warning: string | undefined;
  try {
    ({ warning } = await withinLimit((signal) => notifier.send(composeMessage(toldOf, now), signal), limitMs));
  } catch (error) {
    await failed(channel, error, options);
    return 'waiting';
  }
  await state.settle(due);
  await tookIt(channel, options);
  if (warning !== undefined) {
    options.logger.warn({ channel: channel.name, reason: warning }, 'a channel took a message in part');
  }
  return 'sent';
}

/** Its host was retired meanwhile: it ended without a message. */
function isObsolete({ kind, alert }: Waiting): boolean {
  return kind !== 'resolved' && alert.state === 'resolved';
}

/** Until the silence or what explains it has ended, or the alert has: then it is told, or replaced. Of what is acknowledged nobody is reminded. */
function isHeldBack({ kind, alert }: Waiting): boolean {
  if (kind === 'resolved') return false;
  return (
    alert.suppressedBy !== null || alert.silencedBy !== null || (kind === 'reminder' && alert.acknowledged !== null)
  );
}

/** All that fires and was told, and what ended; but not the end of what has begun again, which would be taken for the end of that. */
function allOf(firing: readonly Alert[], ended: readonly Waiting[]): MessageEvent[] {
  // One that is explained by another goes on once it was told: it has not ended.
  const standing = firing.filter(({ notifiedAt, silencedBy }) => notifiedAt !== null && silencedBy === null);
  const keys = new Set(standing.map(keyOf));
  return [
    ...standing.map((alert) => ({ kind: 'firing' as const, alert })),
    ...ended.filter(({ alert }) => !keys.has(keyOf(alert))),
  ];
}

function keyOf({ host, symptom }: Alert): string {
  return `${host}|${symptom}`;
}

function newChannel(name: string): Channel {
  return { name, failures: 0, nextTryAtMs: 0, lastError: null, lastSentAt: null };
}

async function tookIt(channel: Channel, { state, logger, clock }: DeliverOptions): Promise<void> {
  if (channel.failures > 0) logger.info({ channel: channel.name, failures: channel.failures }, 'a channel works again');
  await state.putChannel({ ...newChannel(channel.name), lastSentAt: clock.wallTime() });
}

async function failed(channel: Channel, error: unknown, options: DeliverOptions): Promise<void> {
  const { state, logger, clock, random = Math.random } = options;
  const failures = channel.failures + 1;
  const lastError = messageOf(error);
  if (channel.failures === 0) {
    logger.warn(
      { channel: channel.name, reason: lastError },
      'a channel fails; what waits for it is sent when it works again',
    );
  }
  const nowMs = parseTimeMs(clock.wallTime()) ?? 0;
  await state.putChannel({ ...channel, failures, lastError, nextTryAtMs: nextTryAtMs(failures, nowMs, random()) });
}
