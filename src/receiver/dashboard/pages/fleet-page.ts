// The fleet: one verdict, what to do first, then each host. The rows that changed are served alone, too, for a page that is live.

import { html } from 'hono/html';
import type { FleetHost } from '../../../protocol/answers.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import type { RouteDependencies } from '../../http/route-dependencies.ts';
import type { Dashboard } from '../dashboard.ts';
import type { Markup, Page } from '../page.ts';
import { counted } from '../show/figures.ts';
import { noHostYet } from './fleet-empty.ts';
import { filterForm, matchText, stateChips } from './fleet-filters.ts';
import { addressOf, type FleetQuestion, isFound, isInState, orderHosts, readQuestion } from './fleet-order.ts';
import { type FleetPicture, lookAtFleet } from './fleet-picture.ts';
import { fleetTable, hostRow, noRow } from './fleet-rows.ts';
import { showTasks, tasksOf } from './fleet-tasks.ts';
import { fleetFacts, judgeFleet } from './fleet-verdict.ts';

const FLEET = { title: 'Fleet', section: 'fleet', topics: ['hosts', 'alerts', 'gate', 'tick'] } as const;
const ALL_HOSTS: FleetQuestion = { q: '', state: '', sort: '' };

export function registerFleetPage(dashboard: Dashboard, dependencies: RouteDependencies, alertBoard: AlertBoard): void {
  dashboard.page('/', 'read-dashboard', async ({ query }) =>
    fleetPage(await lookAtFleet(dependencies, alertBoard), readQuestion(query)),
  );
  dashboard.page('/live/hosts', 'read-dashboard', async ({ context, query }) => {
    const asked = new Set(new URL(context.req.url).searchParams.getAll('host'));
    return changedRows(await lookAtFleet(dependencies, alertBoard), readQuestion(query), asked);
  });
}

export function fleetPage(picture: FleetPicture, question: FleetQuestion): Page {
  const { hosts } = picture.fleet;
  if (hosts.length === 0) return { ...FLEET, body: noHostYet(picture) };
  const { shown, retired } = choose(hosts, question);
  const rows = shown.map((host) => hostRow(host, picture));
  const body = html`${aboveHosts(picture)}
<section aria-labelledby="hosts-title"><h2 id="hosts-title">Hosts</h2>
${filterForm(question)}
${aboutHosts(hosts, shown, question)}
<div class="card hosts">${fleetTable({ isLive: true, caption: 'Lab hosts', sort: question.sort, rows: rows.length > 0 ? rows : [nothingFound(question)] })}</div>
<p class="legend muted"><span class="swatch stored"></span>stored <span class="swatch refused"></span>refused <span class="swatch silent"></span>silent <span>24 h ago on the left, now on the right</span></p>
</section>
${foldedAway(retired, picture)}`;
  return { ...FLEET, body };
}

/** What a live page needs after some hosts have changed: what stands above them, and each of them that it shows, with its place. */
export function changedRows(picture: FleetPicture, question: FleetQuestion, asked: ReadonlySet<string>): Page {
  const { hosts } = picture.fleet;
  const { shown } = choose(hosts, question);
  const rows = shown.flatMap((host, index) =>
    asked.has(host.host_id) ? [hostRow(host, picture, shown[index - 1]?.host_id ?? '')] : [],
  );
  const body = html`${aboveHosts(picture)}${aboutHosts(hosts, shown, question)}
${fleetTable({ isLive: true, caption: 'Changed hosts', sort: question.sort, rows: shown.length > 0 ? rows : [nothingFound(question)] })}`;
  return { ...FLEET, topics: [], body };
}

function aboveHosts(picture: FleetPicture): Markup {
  const { tone, headline, findings } = judgeFleet(picture);
  return html`<div class="card summary"><section class="verdict ${tone}" aria-label="Verdict" aria-live="polite" data-live="verdict"><h1>${headline}</h1></section>
${fleetFacts(picture)}</div>
${showTasks(tasksOf(picture, findings))}`;
}

function aboutHosts(hosts: readonly FleetHost[], shown: readonly FleetHost[], question: FleetQuestion): Markup {
  const inService = hosts.filter(({ state }) => state !== 'retired').length;
  return html`${stateChips(hosts, question)}${matchText(shown.length, inService, question)}`;
}

/** Retired ones are folded away, unless they are what is asked for. */
function choose(
  hosts: readonly FleetHost[],
  question: FleetQuestion,
): { shown: readonly FleetHost[]; retired: readonly FleetHost[] } {
  const found = hosts.filter((host) => isFound(host, question) && isInState(host, question));
  const ordered = orderHosts(found, question.sort);
  if (question.state !== '') return { shown: ordered, retired: [] };
  return {
    shown: ordered.filter(({ state }) => state !== 'retired'),
    retired: ordered.filter(({ state }) => state === 'retired'),
  };
}

function nothingFound(question: FleetQuestion): Markup {
  return noRow(html`No host matches. <a href="${addressOf({ ...ALL_HOSTS, sort: question.sort })}">Show all</a>`);
}

function foldedAway(retired: readonly FleetHost[], picture: FleetPicture): Markup {
  const rows = retired.map((host) => hostRow(host, picture));
  return html`<details id="retired" data-live="retired"${retired.length === 0 && html` hidden`}><summary>${counted(retired.length, 'retired host')}</summary>
<div class="card hosts">${fleetTable({ caption: 'Retired hosts', sort: '', rows })}</div></details>`;
}
