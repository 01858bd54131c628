// /hosts/{host_id}: all that is known of one host, in one look at its sources.

import { isHostId } from '../../../protocol/ids.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import { readFleetHost } from '../../fleet/read-fleet.ts';
import type { RouteDependencies } from '../../http/route-dependencies.ts';
import { allows } from '../../identity/principal.ts';
import type { Dashboard } from '../dashboard.ts';
import { hostView } from './host-view.ts';

const LAST_EPISODES = 20;
const PAST_ALERTS = 20;

export function registerHostPage(dashboard: Dashboard, dependencies: RouteDependencies, alertBoard: AlertBoard): void {
  const { fleet, ledger, gate, monitorState, attemptCounter } = dependencies;
  dashboard.page('/hosts/:host_id', 'read-dashboard', async ({ context, principal, now }) => {
    const hostId = context.req.param('host_id') ?? '';
    if (!isHostId(hostId)) return 'not-found';
    const host = await readFleetHost(dependencies, alertBoard, hostId);
    const known = host && (await fleet.find(hostId));
    if (!host || !known) return 'not-found';
    const [pastAlerts, silences, ranAt, commits, newest] = await Promise.all([
      monitorState.listAlerts({ host: hostId, state: 'resolved', limit: PAST_ALERTS }),
      monitorState.listSilences(now),
      monitorState.lastRunAt(),
      ledger.commitsOf(hostId),
      ledger.newest({ hostId }, undefined, LAST_EPISODES),
    ]);
    return hostView({
      host,
      day: { stored: known.day.series(now), outcomes: attemptCounter.day(hostId) },
      pastAlerts,
      silences,
      commits,
      lastEpisodes: newest.rows,
      distanceOf: gate.enabled ? (commit) => gate.distanceOf(commit) : undefined,
      ranAt,
      mayAcknowledge: allows(principal, 'acknowledge-alert'),
      maySilence: allows(principal, 'silence-alerts'),
      now,
    });
  });
}
