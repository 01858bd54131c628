// Notices what other programs change beside the receiver: the monitor's runs, decisions by command, a new head of the branch. Looked at
// once a second, and only while somebody listens.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Control } from '../../storage/control.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import type { LiveEvents } from './live-events.ts';

const LOOK_EVERY_MS = 1_000;
const MINUTE_MS = 60_000;

export interface WatchOptions {
  live: Pick<LiveEvents, 'someoneListens' | 'alertsChanged' | 'gateChanged' | 'minutePassed'>;
  monitorState: Pick<MonitorState, 'version'>;
  control: Pick<Control, 'version'>;
  /** Of the gate in force: a reload replaces it. */
  head: () => string | null;
  clock: Clock;
  logger: Logger;
}

interface Seen {
  monitor: string;
  control: string;
  head: string | null;
}

/** What changed while nobody listened is told to the first who does. */
export async function watchChanges(options: WatchOptions, stop: AbortSignal): Promise<void> {
  const { live, clock, logger } = options;
  let seen = await look(options).catch(() => undefined);
  let isFailing = false;
  let toldAtMs = clock.monotonicMs();
  while (!stop.aborted) {
    await live.someoneListens(stop);
    if (stop.aborted) return;
    try {
      const now = await look(options);
      tellChanges(live, seen, now);
      seen = now;
      isFailing = false;
    } catch (error) {
      if (!isFailing) logger.warn({ err: error }, 'live events: alerts and decisions cannot be looked at');
      isFailing = true;
    }
    if (clock.monotonicMs() - toldAtMs >= MINUTE_MS) {
      toldAtMs = clock.monotonicMs();
      live.minutePassed();
    }
    await clock.sleep(LOOK_EVERY_MS, stop);
  }
}

async function look({ monitorState, control, head }: WatchOptions): Promise<Seen> {
  const [monitor, decisions] = await Promise.all([monitorState.version(), control.version()]);
  return { monitor, control: decisions, head: head() };
}

function tellChanges(live: WatchOptions['live'], before: Seen | undefined, now: Seen): void {
  const decided = before?.control !== now.control;
  // Which hosts are retired lies with the decisions.
  if (before?.monitor !== now.monitor || decided) live.alertsChanged();
  if (before?.head !== now.head || decided) live.gateChanged();
}
