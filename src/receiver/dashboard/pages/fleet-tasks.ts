// What to do first: the receiver's own trouble, then hosts with one fault and one cure together, each with the command to paste. The
// commands are the monitor's and our own tables'; nothing of them is a host's word but its id.

import { html } from 'hono/html';
import { cutShort, inertLine } from '../../../lib/inert-text.ts';
import type { FleetHost, HostState, OpenAlert } from '../../../protocol/answers.ts';
import type { Markup } from '../page.ts';
import { badge, severityBadge, stateBadge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { countText } from '../show/figures.ts';
import { timeAgo } from '../show/time.ts';
import { addressOf, isQuiet, needsYou, orderHosts } from './fleet-order.ts';
import type { FleetPicture } from './fleet-picture.ts';
import type { Finding } from './fleet-verdict.ts';

const FIRST_TASKS = 4;
const MOST_NAMES = 6;
const LONGEST_DETAIL = 300;
// What is said of a host that was taken away, too.
const GONE_STATES: ReadonlySet<HostState> = new Set(['silent', 'never-seen']);

interface Sick {
  /** Undefined: the fleet as a whole. */
  host: FleetHost | undefined;
  /** Those of it that one command cures; the gravest first, at least one. */
  alerts: readonly [OpenAlert, ...OpenAlert[]];
}

export function tasksOf(picture: FleetPicture, findings: readonly Finding[]): Markup[] {
  const { fleet, now } = picture;
  const ranked = orderHosts(fleet.hosts.filter(needsYou), '');
  const sick: Sick[] = [
    ...byCure(fleet.verdict.alerts).map((alerts) => ({ host: undefined, alerts })),
    ...ranked.flatMap((host) => byCure(host.alerts).map((alerts) => ({ host, alerts }))),
  ];
  const groups = [...Map.groupBy(sick, sameCure).values()].toSorted(
    (left, right) => gravityOf(left) - gravityOf(right),
  );
  const untold = Map.groupBy(
    ranked.filter(({ alerts }) => alerts.length === 0),
    ({ state }) => state,
  );
  return [
    ...findings.map(findingTask),
    ...groups.flatMap((group) => (group[0] ? [groupTask(group, group[0], now)] : [])),
    ...[...untold].map(([state, hosts]) => untoldTask(state, hosts)),
  ];
}

export function showTasks(tasks: readonly Markup[]): Markup {
  const [first, others] = [tasks.slice(0, FIRST_TASKS), tasks.slice(FIRST_TASKS)];
  return html`<section class="card tasks" id="first" data-live="first" aria-label="What to do first"${tasks.length === 0 ? html` hidden` : ''}>
<h2>What to do first</h2>
<ol>${first}</ol>
${others.length > 0 && html`<details id="more-tasks"><summary>${countText(others.length)} more</summary><ol start="${FIRST_TASKS + 1}">${others}</ol></details>`}
</section>`;
}

function byCure(alerts: readonly OpenAlert[]): Sick['alerts'][] {
  const waiting = alerts.filter((alert) => !isQuiet(alert));
  return [...Map.groupBy(waiting, ({ suggested_fix: fix }) => fix).values()].flatMap((same) => {
    const [first, ...others] = same.toSorted((left, right) => severityRank(left) - severityRank(right));
    return first ? [[first, ...others] satisfies Sick['alerts']] : [];
  });
}

/** The host's own name in a command does not make it another cure. */
function sameCure({ host, alerts }: Sick): string {
  const fix = alerts[0].suggested_fix;
  const symptoms = alerts.map(({ symptom }) => symptom);
  return JSON.stringify([symptoms, host === undefined ? fix : fix.split(host.host_id)]);
}

function severityRank({ severity }: OpenAlert): number {
  return severity === 'critical' ? 1 : 2;
}

function gravityOf([first]: readonly Sick[]): number {
  return first?.host === undefined ? 0 : severityRank(first.alerts[0]);
}

function findingTask({ tone, headline, more, command }: Finding): Markup {
  return html`<li><p>${badge(tone, 'receiver')} <strong>${headline}</strong> <span class="why">${more}</span></p>${copyable(command)}</li>`;
}

function groupTask(group: readonly Sick[], { host, alerts }: Sick, now: string): Markup {
  const [{ symptom, severity, suggested_fix: fix }] = alerts;
  const symptoms = alerts.map((alert) => alert.symptom).join(', ');
  const detail = alerts.map((alert) => alert.detail).join('; ');
  const since = group
    .flatMap(({ alerts }) => alerts.map((alert) => alert.since))
    .reduce((earliest, each) => (each < earliest ? each : earliest));
  const hosts = group.flatMap(({ host }) => (host ? [host.host_id] : []));
  const command = fix.trim() || (host ? `cis490 fleet show ${host.host_id}` : 'cis490 alerts');
  return html`<li><p>${severityBadge(severity)} <strong>${symptoms}</strong> ${host ? names(hosts, symptom) : 'the whole fleet'} <span class="why">since ${timeAgo(since, now)}${
    group.length === 1 && detail !== '' && html` · ${cutShort(inertLine(detail), LONGEST_DETAIL)}`
  }</span></p>${copyable(command)}${
    hosts.length > 1 && html`<p class="muted">For ${hosts[0]}; the same for each of the others.</p>`
  }</li>`;
}

/** New, so that the monitor's next run tells it, or for longer than it tells. */
function untoldTask(state: HostState, hosts: readonly FleetHost[]): Markup {
  const [first = ''] = hosts.map(({ host_id }) => host_id);
  return html`<li><p>${stateBadge(state)} ${names(
    hosts.map(({ host_id }) => host_id),
    state,
  )} <span class="why">without an alert</span></p>${copyable(`cis490 fleet show ${first}`)}${
    GONE_STATES.has(state) &&
    html`<p class="muted">Gone for good? <code>cis490 host retire ${first} --reason &hellip;</code></p>`
  }</li>`;
}

function names(hostIds: readonly string[], word: string): Markup {
  const shown = hostIds
    .slice(0, MOST_NAMES)
    .map((id, index) => html`${index > 0 && ', '}<a href="/hosts/${encodeURIComponent(id)}">${id}</a>`);
  const left = hostIds.length - shown.length;
  return html`${shown}${left > 0 && html` and <a href="${addressOf({ q: word, state: 'needs-you', sort: '' })}">${countText(left)} more</a>`}`;
}
