// The whole fleet for a person: the verdict, the table with the worst first, and the commands for what is sick.

import { inertLine } from '../../lib/inert-text.ts';
import { gravityOf } from '../alerts/open-alert.ts';
import { counted } from '../counted.ts';
import type { Fleet, FleetHost } from '../receiver-answers.ts';
import { cutToWidth, screenLines } from '../terminal/display-width.ts';
import { ago, lasting, plainTime } from '../terminal/relative-time.ts';
import type { View } from '../terminal/styles.ts';
import { formatFleetTable } from './fleet-table.ts';
import { isRetired, isWell, rankHosts, stateOf } from './rank-hosts.ts';
import { suggestCures } from './suggest-cures.ts';

const FEWEST_HOST_LINES = 4;
// It runs every five minutes.
const MONITOR_IS_LATE_MS = 15 * 60_000;

export function describeFleet(fleet: Fleet, url: string, nowMs: number, view: View): string[] {
  const ranked = rankHosts(fleet.hosts);
  const source = view.paint('dim', describeSource(fleet, url, view));
  const head = [...describeMonitor(fleet, nowMs, view), ...describeVerdict(fleet, nowMs, view), source, ''];
  if (ranked.length === 0)
    return [
      ...head,
      'A host appears with the first thing that it sends, or by [fleet] expected_hosts in receiver.toml.',
    ];
  const cures = suggestCures(fleet, ranked, view);
  const foot = cures.length > 0 ? ['', view.paint('bold', 'What cures it'), ...cures] : [];
  const room = view.rows === undefined ? ranked.length : view.rows - heightOf(head, view) - heightOf(foot, view) - 2;
  if (room >= ranked.length) return [...head, ...formatFleetTable(ranked, nowMs, view), ...foot];
  // One line of the room tells how many are not shown.
  const shown = Math.min(ranked.length, Math.max(FEWEST_HOST_LINES, room - 1));
  const left = ranked.length - shown;
  const more = left > 0 ? [view.paint('dim', `… and ${counted(left, 'more host')}: cis490 fleet`)] : [];
  return [...head, ...formatFleetTable(ranked.slice(0, shown), nowMs, view), ...more, ...foot];
}

/** Nothing while it looks: else no alert is new, and none of them ends. */
function describeMonitor({ monitor_ran_at: ranAt }: Fleet, nowMs: number, view: View): string[] {
  if (ranAt === undefined) return [];
  const cure = 'on the receiver: systemctl status cis490-fleet-health.timer';
  if (ranAt === null) return [view.paint('bad', `The monitor has never run, so nothing is told: ${cure}`)];
  if (nowMs - Date.parse(ranAt) <= MONITOR_IS_LATE_MS) return [];
  return [view.paint('bad', `The monitor last ran ${ago(ranAt, nowMs)}, and alerts are as of then: ${cure}`)];
}

function describeVerdict({ hosts, verdict }: Fleet, nowMs: number, view: View): string[] {
  const ofFleet = (verdict?.alerts ?? []).map((alert) => {
    const since = alert.since ? ` ${lasting(alert.since, nowMs)}` : '';
    const line = `${inertLine(alert.symptom)}${since}: ${inertLine(alert.detail ?? '')}`;
    return view.paint(gravityOf(alert) === 2 ? 'dim' : 'bad', line);
  });
  const inService = hosts.filter((host) => !isRetired(host));
  const retired = hosts.length - inService.length;
  const aside = retired > 0 ? ` (and ${retired} retired)` : '';
  if (inService.length === 0) return [...ofFleet, `No lab host is known yet${aside}.`];
  const bad = inService.filter((host) => !isWell(host));
  if (bad.length === 0) {
    const line = inService.length === 1 ? 'The one host is well' : `All ${counted(inService.length, 'host')} are well`;
    return [...ofFleet, `${view.paint('good', line)}${aside}.`];
  }
  const verb = bad.length === 1 ? 'is' : 'are';
  const line = `${bad.length.toLocaleString('en')} of ${counted(inService.length, 'host')} ${verb} not well: ${describeStates(bad)}`;
  return [...ofFleet, `${view.paint('bad', line)}${aside}`];
}

/** `3 silent, 1 refused`: the most frequent first. */
function describeStates(hosts: readonly FleetHost[]): string {
  return [...Map.groupBy(hosts, stateOf)]
    .toSorted(([, left], [, right]) => right.length - left.length)
    .map(([state, of]) => `${of.length.toLocaleString('en')} ${inertLine(state)}`)
    .join(', ');
}

function describeSource({ head, generated_at }: Fleet, url: string, view: View): string {
  const parts = [url, head && `head ${inertLine(head).slice(0, 7)}`, generated_at && plainTime(generated_at)];
  const line = parts.filter((part) => part).join(' · ');
  return view.columns === undefined ? line : cutToWidth(line, view.columns);
}

function heightOf(lines: readonly string[], { columns }: View): number {
  return lines.reduce((sum, line) => sum + screenLines(line, columns), 0);
}
