// What follows from a run's findings: the alerts' states and the queue in one transaction, then what is due is sent, then the heartbeat
// URL. A run that is killed on the way has lost nothing: the queue has what was not sent, and the next run makes the states.

import { randomBytes } from 'node:crypto';
import { messageOf } from '../../lib/app-error.ts';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { MonitorState, RunChange } from '../../storage/monitor-state.ts';
import type { DetectedRun } from '../detected-run.ts';
import { deliverDue } from '../notify/deliver.ts';
import { callHeartbeatUrl } from '../notify/heartbeat-url.ts';
import type { Notifier } from '../notify/notifier.ts';
import { type AlertEvent, nextAlerts } from './next-alerts.ts';

const RESOLVED_KEPT_HOURS = 90 * 24;

/** Who is told, and when. */
export interface Telling {
  notifiers: readonly Notifier[];
  heartbeatUrl: string | undefined;
  /** Runs in a row without it, until a fault counts as gone. */
  recoveryRuns: number;
  reminderS: number;
}

export interface SettleOptions extends Telling {
  state: MonitorState;
  logger: Logger;
  clock: Clock;
  /** 0 to 1, for the jitter of attempts that failed. */
  random?: () => number;
}

/**
 * In this order, each durable before the next: one transaction with the states, the notifications that follow and the memory; the
 * notifications that are due are sent; the heartbeat URL is called, when all went well. Throws only what keeps the transaction from
 * being made: a channel that cannot be reached is no failure of the run.
 */
export async function settleRun(options: SettleOptions, run: DetectedRun): Promise<void> {
  const { state, heartbeatUrl, logger } = options;
  await state.applyRun(await changeOf(options, run));
  const allTold = await tellAll(options);
  // A switch that is not fed is the last way to tell that a source cannot be read, or that a channel takes nothing.
  if (heartbeatUrl === undefined || !run.isWhole || !allTold) return;
  await callHeartbeatUrl(heartbeatUrl, logger);
}

async function changeOf(options: SettleOptions, run: DetectedRun): Promise<RunChange> {
  const { state, notifiers, recoveryRuns, reminderS, clock } = options;
  const { alerts, events } = nextAlerts({
    firing: await state.firingAlerts(),
    run,
    silences: await state.listSilences(run.nowWall),
    recoveryRuns,
    reminderMs: reminderS * 1000,
    newId: () => randomBytes(4).toString('hex'),
  });
  const notifications = notifiers.flatMap(({ name, told }) =>
    events
      .filter(({ kind }: AlertEvent) => told === 'of-changes' || kind === 'resolved')
      .map(({ alertId, kind }) => ({ channel: name, alertId, kind, queuedAt: run.nowWall })),
  );
  const forgetResolvedBefore = forgetBefore(run.nowWall, clock);
  return { alerts, notifications, memory: run.memory, ranAt: clock.wallTime(), forgetResolvedBefore };
}

/** A replay of a time to come forgets nothing early. */
function forgetBefore(nowWall: string, clock: Clock): string {
  const [earlier = nowWall] = [nowWall, clock.wallTime()].sort();
  return formatWallTime(Temporal.Instant.from(earlier).subtract({ hours: RESOLVED_KEPT_HOURS }));
}

/** False when a channel has not taken what waits for it. The states are durable by now: nothing here is a failure of the run. */
async function tellAll({ state, notifiers, logger, clock, random }: SettleOptions): Promise<boolean> {
  try {
    await state.forgetChannelsExcept(notifiers.map(({ name }) => name));
    const { waiting } = await deliverDue({ state, notifiers, logger, clock, ...(random && { random }) });
    return waiting.length === 0;
  } catch (error) {
    logger.warn(
      { reason: messageOf(error) },
      'the queue of notifications cannot be used; the next run sends what waits',
    );
    return false;
  }
}
