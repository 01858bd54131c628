// The gate: whether it knows what it needs to know, what it did not let in, what was decided by hand, and what the fleet runs.

import type { RouteDependencies } from '../../http/route-dependencies.ts';
import { listReleases } from '../../releases/manage-releases.ts';
import { type RollOutProgress, rollOutProgress } from '../../releases/roll-out-progress.ts';
import type { Dashboard } from '../dashboard.ts';
import { gateView } from './gate-view.ts';

type GatePageDependencies = Pick<
  RouteDependencies,
  'gate' | 'attemptCounter' | 'fleet' | 'control' | 'releases' | 'rollOuts' | 'remediationFor'
>;

export function registerGatePage(dashboard: Dashboard, dependencies: GatePageDependencies): void {
  dashboard.page('/gate', 'read-dashboard', async ({ now }) => {
    const [status, progress] = await Promise.all([dependencies.gate.status(), readProgress(dependencies)]);
    const remediation = dependencies.remediationFor(null);
    return gateView({ status, progress, refusals: dependencies.attemptCounter.refusedSums(), remediation, now });
  });
}

/** Of the hosts that are in service. Throws `not-ready` while the ledger is being read. */
async function readProgress(dependencies: GatePageDependencies): Promise<RollOutProgress> {
  const { fleet, control, gate } = dependencies;
  const [hosts, retired, releases] = await Promise.all([
    fleet.hosts(),
    control.listRetiredHosts(),
    listReleases(dependencies),
  ]);
  const gone = new Set(retired.map(({ hostId }) => hostId));
  const inService = hosts
    .filter(({ hostId }) => !gone.has(hostId))
    .map(({ hostId, heartbeat, last }) => ({ hostId, heartbeat: heartbeat?.body, lastCommit: last?.commit ?? null }));
  return rollOutProgress(releases, inService, (commit) => gate.distanceOf(commit));
}
