// A thousand hosts in all states, most of them well, with a month in the ledger, and two hundred alerts of one symptom.

import type { Symptom } from '../../../../src/protocol/alert.ts';
import type { NewLedgerRow } from '../../../../src/storage/ledger.ts';
import type { Storage } from '../../../../src/storage/open-storage.ts';
import type { History } from '../../../support/dashboard-fleet.ts';
import { commitAt, GATE_KEYS, OLD_COMMIT, Past, steps } from './past.ts';
import { byTime } from './three-hosts.ts';

type Kind = 'well' | 'silent' | 'refused' | 'sick' | 'never-seen' | 'retired';

const HOSTS = Array.from({ length: 1_000 }, (_, index) => ({ hostId: nameOf(index), index, kind: kindOf(index) }));

export function thousandHosts(): History {
  const past = new Past();
  return {
    keys: `${GATE_KEYS}[fleet]\nexpected_hosts = ${JSON.stringify(HOSTS.map(({ hostId }) => hostId))}\n`,
    rows: history(past).sort(byTime),
    plant: async (storage, store) => {
      await plantStates(storage, store, past);
      await plantAlerts(storage, past);
    },
  };
}

function nameOf(index: number): string {
  return `lab-${String(index).padStart(4, '0')}`;
}

function kindOf(index: number): Kind {
  if (index % 83 === 7) return 'never-seen';
  if (index % 41 === 3) return 'refused';
  if (index % 29 === 11) return 'silent';
  if (index % 37 === 5) return 'sick';
  return index % 199 === 100 ? 'retired' : 'well';
}

function distanceOf(index: number): number {
  return index % 5 === 4 ? 17 : index % 3;
}

function history(past: Past): NewLedgerRow[] {
  return HOSTS.flatMap(({ hostId, index, kind }) => {
    if (kind === 'never-seen') return [];
    const quietMin =
      { silent: 60 + (index % 600), refused: 45 + (index % 300), retired: 5_000 }[kind as string] ?? 1 + (index % 20);
    const commit = kind === 'refused' ? OLD_COMMIT : commitAt(distanceOf(index));
    const lately = steps(Math.max(0, 24 * 60 - quietMin), 40).map((minutes) => quietMin + minutes);
    const before = steps(29, 5).map((day) => (day + 1 + (index % 5)) * 24 * 60 + index);
    return [...lately, ...before].map((minutesAgo) =>
      past.row({ hostId, minutesAgo: minutesAgo + index / 1_000, commit }),
    );
  });
}

async function plantStates({ hostState, attempts, control }: Storage, store: string, past: Past): Promise<void> {
  for (const { hostId, index, kind } of HOSTS) {
    if (kind === 'never-seen') continue;
    const version = { commit: kind === 'refused' ? OLD_COMMIT : commitAt(distanceOf(index)), dirty: false };
    const held = kind === 'refused' ? { count: 20 + index, code: 'commit-not-in-window' } : null;
    const waiting = kind === 'refused' ? 20 + index : index % 7;
    const backlog = { episodes: waiting, bytes: waiting * 200_000, oldest_s: waiting === 0 ? null : waiting * 30 };
    const silentMin = kind === 'silent' ? 60 + (index % 600) : 1 + (index % 4);
    await hostState.putHeartbeat(past.heartbeat(hostId, silentMin, { version, held, backlog }));
    if (kind === 'sick') past.report(store, hostId, 300, { disk: ['red', 'no inode is left'] });
    else if (index % 3 === 0) past.report(store, hostId, 600);
    if (kind === 'retired')
      await control.retireHost({
        hostId,
        retiredAt: past.at(4_000),
        by: 'root on receiver',
        reason: 'its board is dead',
      });
    if (kind === 'refused')
      await attempts.add(past.attempts(hostId, 'commit-not-in-window', 1, ...steps(45 + (index % 300), 14)));
  }
}

interface Found {
  symptom: Symptom;
  minutesAgo: number;
  detail: string;
  /** What is run on the host. */
  cure: string;
}

const UPDATE = "'sudo systemctl start cis490-autoupdate && sudo systemctl restart cis490-orchestrator'";

async function plantAlerts({ monitorState }: Storage, past: Past): Promise<void> {
  const alerts = HOSTS.flatMap((host) => {
    const found = foundOf(host);
    if (!found) return [];
    const { symptom, cure, ...facts } = found;
    return [past.alert(host.hostId, symptom, { ...facts, suggestedFix: `ssh ${host.hostId} ${cure}` })];
  });
  await monitorState.applyRun({ alerts, notifications: [], memory: '', ranAt: past.at(2), forgetResolvedBefore: '' });
}

/** As the monitor says it. */
function foundOf({ index, kind }: (typeof HOSTS)[number]): Found | undefined {
  const stale = `its code ${commitAt(17).slice(0, 12)} is 17 behind the head, and 20 are refused`;
  const cures: Partial<Record<Kind, Found>> = {
    silent: {
      symptom: 'silent',
      minutesAgo: 30 + (index % 600),
      detail: 'nothing stored for more than 30 min; dead: it is off, off the network, or its shipper is stopped',
      cure: "'sudo systemctl restart cis490-shipper; sudo systemctl try-restart cis490-orchestrator'",
    },
    refused: {
      symptom: 'refused',
      minutesAgo: 15 + (index % 300),
      detail: 'its shipper holds the queue: commit-not-in-window',
      cure: UPDATE,
    },
    'never-seen': {
      symptom: 'never-seen',
      minutesAgo: 2_000,
      detail: 'expected, and never stored an episode',
      cure: 'cis490 shipper --ping',
    },
    sick: {
      symptom: 'unhealthy',
      minutesAgo: 290,
      detail: 'its doctor says red: disk (the disk is short of space or inodes, or cannot be written)',
      cure: 'df -h -i /var/lib/cis490',
    },
  };
  if (kind !== 'well') return cures[kind];
  return distanceOf(index) === 17 ? { symptom: 'stale-code', minutesAgo: 90, detail: stale, cure: UPDATE } : undefined;
}
