// What to run for what is sick: hosts with one fault and one cure together, with the command of the first of them, to be pasted as it is.

import { inertLine } from '../../lib/inert-text.ts';
import { gravityOf } from '../alerts/open-alert.ts';
import { counted } from '../counted.ts';
import type { Fleet, FleetHost, OpenAlert } from '../receiver-answers.ts';
import { cutToWidth } from '../terminal/display-width.ts';
import type { View } from '../terminal/styles.ts';
import { isWell, stateOf } from './rank-hosts.ts';

const MOST_GROUPS = 12;
const MOST_NAMES = 8;
// What is said of a host that was taken away, too.
const GONE_STATES: ReadonlySet<string> = new Set(['silent', 'never-seen']);
const WHOLE_FLEET = 'the fleet';

interface Sick {
  /** Undefined: the fleet as a whole. */
  host: FleetHost | undefined;
  alert: OpenAlert;
}

/** `ranked`: the worst host first. */
export function suggestCures({ verdict }: Fleet, ranked: readonly FleetHost[], view: View): string[] {
  const ofFleet = (verdict?.alerts ?? []).map((alert) => ({ host: undefined, alert }));
  const ofHosts = ranked.flatMap((host) => (host.alerts ?? []).map((alert) => ({ host, alert })));
  const waiting = [...ofFleet, ...ofHosts]
    .filter(({ alert }) => gravityOf(alert) < 2)
    .toSorted((left, right) => gravityOf(left.alert) - gravityOf(right.alert));
  const groups = [...Map.groupBy(waiting, sameCure).values()];
  const untold = ranked.filter((host) => !isWell(host) && (host.alerts ?? []).length === 0);
  const lines = groups.slice(0, MOST_GROUPS).flatMap((group) => describeGroup(group, view));
  const left = groups.slice(MOST_GROUPS).flat().length;
  if (left > 0) lines.push(`… and ${counted(left, 'more alert')}: cis490 alerts`);
  for (const [state, hosts] of Map.groupBy(untold, stateOf)) lines.push(...describeUntold(state, hosts, view));
  const [worst] = ranked.filter((host) => !isWell(host));
  if (worst)
    lines.push(
      '',
      `All that is known of one:  ${view.paint('command', `cis490 fleet show ${inertLine(worst.host_id)}`)}`,
    );
  return lines;
}

/** The host's own name in a command does not make it another cure. */
function sameCure({ host, alert }: Sick): string {
  const fix = alert.suggested_fix ?? '';
  return JSON.stringify([alert.symptom, host === undefined ? fix : fix.split(host.host_id)]);
}

function describeGroup(group: readonly Sick[], view: View): string[] {
  const [first] = group;
  if (!first) return [];
  const { host, alert } = first;
  const names = listNames(group.map(({ host }) => (host ? inertLine(host.host_id) : WHOLE_FLEET)));
  const detail = group.length === 1 && alert.detail ? ` — ${inertLine(alert.detail)}` : '';
  const head = `${inertLine(alert.symptom)}: ${names}${detail}`;
  const cut = view.columns === undefined ? head : cutToWidth(head, view.columns);
  const command =
    inertLine(alert.suggested_fix ?? '') || (host ? `cis490 fleet show ${inertLine(host.host_id)}` : 'cis490 alerts');
  return [
    view.paint(alert.severity === 'critical' ? 'bad' : 'warn', cut),
    // Never cut and without a mark in front: it is there to be copied.
    `    ${view.paint('command', command)}`,
  ];
}

/** New, so that the monitor's next run tells it, or for longer than it tells. */
function describeUntold(state: string, hosts: readonly FleetHost[], view: View): string[] {
  const names = hosts.map(({ host_id }) => inertLine(host_id));
  const head = `${inertLine(state)}, without an alert: ${listNames(names)}`;
  const [first = ''] = names;
  return [
    view.paint('warn', view.columns === undefined ? head : cutToWidth(head, view.columns)),
    `    ${view.paint('command', `cis490 fleet show ${first}`)}`,
    ...(GONE_STATES.has(state) ? [view.paint('dim', `    gone for good? cis490 host retire ${first} --reason …`)] : []),
  ];
}

function listNames(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return names.slice(0, MOST_NAMES).join(', ') + more;
}
