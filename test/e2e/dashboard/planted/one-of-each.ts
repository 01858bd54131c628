// A host for each symptom that the monitor knows. What a run of it can find at once is planted as the hosts would have left it, so that the
// run itself writes the alerts; what takes hours to ripen, or the whole fleet, is written in its place.

import { join } from 'node:path';
import { SYMPTOM_NAMES, type Symptom, WHOLE_FLEET } from '../../../../src/protocol/alert.ts';
import { openMonitorState, type Storage } from '../../../../src/storage/open-storage.ts';
import type { DashboardFleet, History } from '../../../support/dashboard-fleet.ts';
import { commitAt, GATE_KEYS, Past, steps } from './past.ts';
import { byTime } from './three-hosts.ts';

const OF_THE_FLEET: readonly Symptom[] = ['receiver-down', 'fleet-silent'];

export function hostOf(symptom: Symptom): string {
  return OF_THE_FLEET.includes(symptom) ? WHOLE_FLEET : `lab-${symptom}`;
}

const past = new Past();

export function oneOfEach(): History {
  const hosts = SYMPTOM_NAMES.filter((symptom) => !OF_THE_FLEET.includes(symptom));
  const rows = hosts
    .filter((symptom) => symptom !== 'never-seen')
    .flatMap((symptom) => {
      const quietMin = symptom === 'silent' ? 95 : 5;
      const commit = commitAt(symptom === 'stale-code' ? 18 : 0);
      return steps(8 * 60, 15).map((minutes) =>
        past.row({ hostId: hostOf(symptom), minutesAgo: quietMin + minutes, commit }),
      );
    });
  return {
    keys: `${GATE_KEYS}[fleet]\nexpected_hosts = ${JSON.stringify(hosts.map(hostOf))}\n`,
    rows: rows.sort(byTime),
    plant,
  };
}

async function plant({ hostState, attempts }: Storage, store: string): Promise<void> {
  const beats: Partial<Record<Symptom, Record<string, unknown>>> = {
    refused: { held: { count: 31, code: 'credential-invalid' } },
    backlog: { backlog: { episodes: 900, bytes: 190_000_000, oldest_s: 4 * 3_600 } },
    'clock-skew': { sent_at_wall: past.at(22) },
    'update-failed': {
      update: {
        source: 'receiver',
        result: 'rolled-back',
        commit: commitAt(1),
        target: commitAt(0),
        at_wall: past.at(30),
      },
    },
  };
  for (const [symptom, body] of Object.entries(beats))
    await hostState.putHeartbeat(past.heartbeat(hostOf(symptom as Symptom), 2, body));
  const double = hostOf('duplicate-identity');
  for (const minutesAgo of [9, 4])
    for (const [place, machine] of ['1f'.repeat(16), '2e'.repeat(16)].entries())
      await hostState.putHeartbeat(past.heartbeat(double, minutesAgo - place, { machine }));
  past.report(store, hostOf('unhealthy'), 60, {
    disk: ['red', 'no space is left'],
    clock: ['red', 'the clock is off'],
  });
  await attempts.add([
    ...past.attempts(hostOf('fatal-only'), 'commit-not-in-window', 4, 3, 4, 5, 6),
    ...past.attempts(hostOf('unstamped'), 'commit-missing', 4, 3, 4, 5, 6),
  ]);
}

/** Once the receiver is up. Resolves with the symptoms that the real run found. */
export async function findEach(dashboard: DashboardFleet): Promise<Symptom[]> {
  await dashboard.runMonitor();
  const state = await openMonitorState(join(dashboard.fleet.store, 'monitor.db'));
  try {
    const found = new Set((await state.firingAlerts()).map(({ symptom }) => symptom));
    const missing = SYMPTOM_NAMES.filter((symptom) => !found.has(symptom));
    await state.applyRun({
      alerts: missing.map((symptom) => past.alert(hostOf(symptom), symptom)),
      notifications: [],
      memory: (await state.memory()) ?? '',
      ranAt: past.at(0),
      forgetResolvedBefore: '',
    });
    return [...found];
  } finally {
    await state.close();
  }
}
