// The worst first: what waits for the maintainer, then what somebody looks after already, then what is well, and retired hosts last.

import { gravityOf } from '../alerts/open-alert.ts';
import type { FleetHost } from '../receiver-answers.ts';

const WELL = 'ok';
const RETIRED = 'retired';
const BY_NAME = new Intl.Collator('en', { numeric: true });

export function isRetired({ state, retired }: FleetHost): boolean {
  return state === RETIRED || (retired !== null && retired !== undefined);
}

/** A receiver that gives no word has its alerts to go by. */
export function stateOf(host: FleetHost): string {
  if (isRetired(host)) return RETIRED;
  if (host.state) return host.state;
  if ((host.alerts ?? []).length > 0) return 'sick';
  return host.last_stored_at ? WELL : 'never-seen';
}

export function isWell(host: FleetHost): boolean {
  const state = stateOf(host);
  return state === WELL || state === RETIRED;
}

export function rankHosts(hosts: readonly FleetHost[]): FleetHost[] {
  return hosts
    .map((host) => ({ host, gravity: gravityOfHost(host), waiting: waitingAlerts(host) }))
    .toSorted(
      (left, right) =>
        left.gravity - right.gravity ||
        right.waiting - left.waiting ||
        BY_NAME.compare(left.host.host_id, right.host.host_id),
    )
    .map(({ host }) => host);
}

/** 0 critical · 1 a warning · 2 not well, and no alert waits · 3 somebody looks after it · 4 well · 5 retired. */
function gravityOfHost(host: FleetHost): number {
  if (isRetired(host)) return 5;
  const alerts = host.alerts ?? [];
  const worst = Math.min(...alerts.map(gravityOf));
  if (worst < 2) return worst;
  if (alerts.length > 0) return 3;
  return isWell(host) ? 4 : 2;
}

function waitingAlerts({ alerts }: FleetHost): number {
  return (alerts ?? []).filter((alert) => gravityOf(alert) < 2).length;
}
