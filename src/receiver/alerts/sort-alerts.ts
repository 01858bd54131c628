// What fires and what has been, sorted by what somebody has said of it: each alert stands in one place.

import { WHOLE_FLEET } from '../../protocol/alert.ts';
import type { AlertAnswer, SilenceAnswer } from '../../protocol/answers.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import { describeAlert, describeSilence } from './describe-alert.ts';

/** The newest of those that are over, within what the monitor keeps. */
const MOST_PAST = 200;

export interface SortedAlerts {
  /** Nobody has said anything of it: those explained by a fault of the whole fleet last, then the gravest, the fleet's own and the oldest first. */
  open: AlertAnswer[];
  acknowledged: AlertAnswer[];
  /** Also when it is acknowledged: nobody is told of it either way. */
  silenced: AlertAnswer[];
  history: AlertAnswer[];
  /** Those that hold first, then those that have ended within 30 days. */
  silences: SilenceAnswer[];
  /** When the monitor last looked; null before the first time. */
  ranAt: string | null;
}

/** Throws as the monitor's state does. */
export async function sortAlerts(
  monitorState: Pick<MonitorState, 'firingAlerts' | 'listAlerts' | 'listSilences' | 'lastRunAt'>,
  now: string,
): Promise<SortedAlerts> {
  const [firing, past, silences, ranAt] = await Promise.all([
    monitorState.firingAlerts(),
    monitorState.listAlerts({ state: 'resolved', limit: MOST_PAST }),
    monitorState.listSilences(now),
    monitorState.lastRunAt(),
  ]);
  const alerts = firing.map((alert) => describeAlert(alert, silences, now)).toSorted(byGravity);
  const silenced = alerts.filter((alert) => alert.silenced !== null);
  const heard = alerts.filter((alert) => alert.silenced === null);
  return {
    open: heard.filter((alert) => alert.acknowledged === null),
    acknowledged: heard.filter((alert) => alert.acknowledged !== null),
    silenced,
    history: past.map((alert) => describeAlert(alert, [], now)),
    silences: silences.map((silence) => describeSilence(silence, now)).toSorted(byEnd),
    ranAt,
  };
}

function byGravity(left: AlertAnswer, right: AlertAnswer): number {
  const ofFleet = Number(right.host === WHOLE_FLEET) - Number(left.host === WHOLE_FLEET);
  return (
    gravityOf(left) - gravityOf(right) || ofFleet || (left.since < right.since ? -1 : left.since > right.since ? 1 : 0)
  );
}

/** The least first: what a fault of the whole fleet explains comes last. */
export function gravityOf({ suppressed, severity }: Pick<AlertAnswer, 'suppressed' | 'severity'>): number {
  return (suppressed === null ? 0 : 2) + (severity === 'critical' ? 0 : 1);
}

/** The next to end first; of those that have ended, the last one. */
function byEnd(left: SilenceAnswer, right: SilenceAnswer): number {
  if (left.active !== right.active) return left.active ? -1 : 1;
  const order = left.expires_at < right.expires_at ? -1 : left.expires_at > right.expires_at ? 1 : 0;
  return left.active ? order : -order;
}
