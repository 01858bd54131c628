// Which hosts the fleet's page shows, and in which order: pure, from the query of its address.

import { z } from 'zod';
import type { FleetHost, HostState, OpenAlert } from '../../../protocol/answers.ts';
import { HOST_STATES } from '../../../protocol/answers.ts';
import { backlogOf } from './fleet-backlog.ts';

const LONGEST_SEARCH = 200;
const NUMBER_DIGITS = 20;

const STATE_FILTERS = ['', 'needs-you', ...(Object.keys(HOST_STATES) as HostState[])] as const;
export type StateFilter = (typeof STATE_FILTERS)[number];

/** `''`: the worst first. */
export const SORTS = {
  '': 'worst first',
  name: 'name',
  stored: 'longest without storing',
  backlog: 'backlog',
} as const;
export type Sort = keyof typeof SORTS;

/** What is asked for wrongly is not asked for: a link of another release shows the fleet all the same. */
const questionSchema = z.object({
  q: z.string().trim().max(LONGEST_SEARCH).catch(''),
  state: z.enum(STATE_FILTERS).catch(''),
  sort: z.enum(Object.keys(SORTS) as [Sort, ...Sort[]]).catch(''),
});
export type FleetQuestion = z.infer<typeof questionSchema>;

export function readQuestion(query: Readonly<Record<string, string>>): FleetQuestion {
  return questionSchema.parse({ q: query['q'] ?? '', state: query['state'] ?? '', sort: query['sort'] ?? '' });
}

/** The address of the page that answers it. */
export function addressOf({ q, state, sort }: FleetQuestion): string {
  const query = new URLSearchParams(Object.entries({ q, state, sort }).filter(([, value]) => value !== ''));
  return query.size === 0 ? '/' : `/?${query}`;
}

/** Nobody is told of it: the fleet's state explains it, it is silenced, or somebody has taken it on. */
export function isQuiet({ suppressed, silenced, acknowledged }: OpenAlert): boolean {
  return suppressed !== null || silenced !== null || acknowledged !== null;
}

/** 0 critical · 1 a warning · 2 not well, and no alert waits · 3 somebody looks after it · 4 well · 5 retired. */
export function gravityOfHost({ state, alerts }: Pick<FleetHost, 'state' | 'alerts'>): 0 | 1 | 2 | 3 | 4 | 5 {
  if (state === 'retired') return 5;
  const waiting = alerts.filter((alert) => !isQuiet(alert));
  if (waiting.some(({ severity }) => severity === 'critical')) return 0;
  if (waiting.length > 0) return 1;
  if (alerts.length > 0) return 3;
  return state === 'ok' ? 4 : 2;
}

/** It waits for the maintainer. */
export function needsYou(host: Pick<FleetHost, 'state' | 'alerts'>): boolean {
  return gravityOfHost(host) <= 2;
}

/** Each word must be somewhere in what a row says. */
export function isFound(host: FleetHost, { q }: FleetQuestion): boolean {
  if (q === '') return true;
  const { host_id, state, alerts, commit, doctor } = host;
  const symptoms = alerts.map(({ symptom }) => symptom);
  const red = (doctor?.red ?? []).map(({ id }) => id);
  const said = [host_id, state, ...symptoms, ...red, commit ?? ''].join('\n').toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => said.includes(word));
}

export function isInState(host: FleetHost, { state }: FleetQuestion): boolean {
  if (state === '') return true;
  return state === 'needs-you' ? needsYou(host) : host.state === state;
}

/** `lab-9` before `lab-10`. A thousand comparisons of an Intl.Collator take longer than the rest of the page. */
function nameKeyOf(hostId: string): string {
  return hostId.replace(/\d+/g, (digits) => digits.padStart(NUMBER_DIGITS, '0'));
}

export function orderHosts(hosts: readonly FleetHost[], sort: Sort): FleetHost[] {
  return hosts
    .map((host) => ({ host, rank: rankOf(host, sort), name: nameKeyOf(host.host_id) }))
    .sort((left, right) => left.rank - right.rank || compareText(left.name, right.name))
    .map(({ host }) => host);
}

/** The least first. */
function rankOf(host: FleetHost, sort: Sort): number {
  switch (sort) {
    case 'name':
      return 0;
    case 'stored':
      return Date.parse(host.last_stored_at ?? '1970-01-01T00:00:00Z');
    case 'backlog':
      return -(backlogOf(host)?.episodes ?? -1);
    default:
      return gravityOfHost(host) * 100 - host.alerts.filter((alert) => !isQuiet(alert)).length;
  }
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
