// What narrows the fleet's page: a search, a count of each state as a link, an order. All of it is in the address, and works without scripts.

import { html } from 'hono/html';
import { type FleetHost, HOST_STATES, type HostState } from '../../../protocol/answers.ts';
import type { Markup } from '../page.ts';
import { toneOfState } from '../show/badges.ts';
import { counted, countText } from '../show/figures.ts';
import { addressOf, type FleetQuestion, needsYou, SORTS, type StateFilter } from './fleet-order.ts';

// Retired hosts are what is looked for least.
const CHIP_ORDER = (Object.keys(HOST_STATES) as HostState[]).toSorted(
  (left, right) => Number(left === 'retired') - Number(right === 'retired'),
);

/** Outside of every part that is replaced: what is typed stays. */
export function filterForm({ q, state, sort }: FleetQuestion): Markup {
  const options = Object.entries(SORTS).map(
    ([value, label]) => html`<option value="${value}"${value === sort && html` selected`}>${label}</option>`,
  );
  return html`<form class="filters" method="get" action="/" role="search" aria-label="Hosts" data-filter>
<label>Search<input type="search" name="q" value="${q}" placeholder="host, alert, check, commit" maxlength="200" autocomplete="off" spellcheck="false" autocapitalize="off"></label>
<label>Order<select name="sort">${options}</select></label>
<input type="hidden" name="state" value="${state}">
<button data-no-script>Show</button>
</form>`;
}

/** Counts of the whole fleet: they tell what a click would show, whatever is searched for. */
export function stateChips(hosts: readonly FleetHost[], question: FleetQuestion): Markup {
  const inService = hosts.filter(({ state }) => state !== 'retired').length;
  const chips: Markup[] = [chip(question, '', 'all', inService)];
  const waiting = hosts.filter(needsYou).length;
  if (waiting > 0 || question.state === 'needs-you') chips.push(chip(question, 'needs-you', 'need you', waiting));
  for (const state of CHIP_ORDER) {
    const count = hosts.filter((host) => host.state === state).length;
    if (count > 0 || question.state === state) chips.push(chip(question, state, state, count));
  }
  return html`<nav class="chips" aria-label="States" data-live="states">${chips}</nav>`;
}

/** `matching`: of all that are in service. */
export function matchText(matching: number, inService: number, { q }: FleetQuestion): Markup {
  const text =
    matching === inService ? counted(inService, 'host') : `${countText(matching)} of ${counted(inService, 'host')}`;
  return html`<p class="muted matches" role="status" data-live="matches">${text}${q !== '' && html` for “${q}”`}</p>`;
}

function chip(question: FleetQuestion, state: StateFilter, label: string, count: number): Markup {
  const tone = state === '' ? 'idle' : state === 'needs-you' ? 'bad' : toneOfState(state);
  const title = state === '' || state === 'needs-you' ? '' : HOST_STATES[state];
  return html`<a class="chip ${tone}" href="${addressOf({ ...question, state })}"${title !== '' && html` title="${title}"`}${question.state === state && html` aria-current="true"`}>${label} <b>${countText(count)}</b></a>`;
}
