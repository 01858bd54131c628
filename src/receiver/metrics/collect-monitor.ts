// What the monitor has found, as it is, so that one rule of Prometheus passes all of it on; and when it last looked.

import { SYMPTOMS, type Symptom } from '../../protocol/alert.ts';
import type { OpenAlert } from '../../protocol/answers.ts';
import { describeOpenAlert } from '../alerts/describe-alert.ts';
import { defineCollector, secondsOf } from './metric-sources.ts';

const STATES = ['firing', 'suppressed', 'silenced', 'acknowledged'] as const;
type State = (typeof STATES)[number];

export const monitorCollector = defineCollector({
  families: {
    cis490_alerts: {
      help: 'Alerts of the monitor that have not ended, by what was done about them: firing (nothing), suppressed (one of the whole fleet explains it), silenced, acknowledged.',
      labels: ['symptom', 'severity', 'state'],
    },
    cis490_alert_firing: {
      help: '1 for each alert that is neither suppressed nor silenced nor acknowledged; host * is the fleet as a whole.',
      labels: ['host', 'symptom', 'severity'],
    },
    cis490_monitor_last_run_timestamp_seconds: {
      help: 'When cis490 fleet-health last ended a run; 0 when it never did.',
    },
  },
  async read({ monitorState, control, clock }) {
    const now = clock.wallTime();
    const [alerts, silences, retired, lastRunAt] = await Promise.all([
      monitorState.firingAlerts(),
      monitorState.listSilences(now),
      control.listRetiredHosts(),
      monitorState.lastRunAt(),
    ]);
    const gone = new Set(retired.map(({ hostId }) => hostId));
    const open = alerts
      .filter(({ host }) => !gone.has(host))
      .map((alert) => ({ ...alert, state: stateOf(describeOpenAlert(alert, silences, now)) }));
    const counts = Map.groupBy(open, ({ symptom, state }) => `${symptom} ${state}`);
    const symptoms = Object.entries(SYMPTOMS) as [Symptom, string][];
    return [
      ...symptoms.flatMap(([symptom, severity]) =>
        STATES.map((state) => {
          const count = counts.get(`${symptom} ${state}`)?.length ?? 0;
          return ['cis490_alerts', count, { symptom, severity, state }] as const;
        }),
      ),
      ...open
        .filter(({ state }) => state === 'firing')
        .map(({ host, symptom, severity }) => ['cis490_alert_firing', 1, { host, symptom, severity }] as const),
      ['cis490_monitor_last_run_timestamp_seconds', secondsOf(lastRunAt) ?? 0] as const,
    ];
  },
});

/** The first that holds; nobody need look at one that is explained by another. */
function stateOf({ suppressed, silenced, acknowledged }: OpenAlert): State {
  if (suppressed) return 'suppressed';
  if (silenced) return 'silenced';
  return acknowledged ? 'acknowledged' : 'firing';
}
