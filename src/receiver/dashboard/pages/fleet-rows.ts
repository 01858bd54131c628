// The hosts as rows of one table. A row is made of few templates: there may be a thousand of them in each answer.

import { html } from 'hono/html';
import { cutShort, inertLine } from '../../../lib/inert-text.ts';
import type { CheckStatus } from '../../../lib/self-check/check-result.ts';
import { CHECK_STATUSES } from '../../../lib/self-check/check-result.ts';
import { SYMPTOM_NAMES, SYMPTOMS, type Symptom } from '../../../protocol/alert.ts';
import { type FleetHost, HOST_STATES, type HostState } from '../../../protocol/answers.ts';
import type { Markup } from '../page.ts';
import { badge, stateBadge, statusBadge } from '../show/badges.ts';
import { countText, distanceText } from '../show/figures.ts';
import { strip } from '../show/strip.ts';
import { spanText, timeAgo } from '../show/time.ts';
import { backlogOf } from './fleet-backlog.ts';
import { isQuiet, type Sort } from './fleet-order.ts';
import type { FleetPicture } from './fleet-picture.ts';

const COLUMNS: readonly { title: string; sort?: Sort; order?: 'ascending' | 'descending'; isNumber?: boolean }[] = [
  { title: 'Host', sort: 'name', order: 'ascending' },
  { title: 'State' },
  { title: 'Last stored', sort: 'stored', order: 'ascending' },
  { title: 'Last 24 h' },
  { title: 'Episodes', isNumber: true },
  { title: 'Backlog', sort: 'backlog', order: 'descending' },
  { title: 'Commit' },
  { title: 'Doctor' },
  { title: 'Alerts' },
];
const LONGEST_CODE = 40;
const SHORT_COMMIT = 10;
// By its name: one character beyond Latin-1 would make twice as many bytes of the whole page while it is put together.
const NOTHING = html`<span class="muted nothing">&ndash;</span>`;

/** Made once: the same few stand in every row. */
const STATE_BADGES = byName(Object.keys(HOST_STATES) as HostState[], stateBadge);
const DOCTOR_BADGES = byName(CHECK_STATUSES, statusBadge);
const ALERT_BADGES = byName(SYMPTOM_NAMES, (symptom) =>
  badge(SYMPTOMS[symptom] === 'critical' ? 'bad' : 'warn', symptom),
);
const QUIET_BADGES = byName(SYMPTOM_NAMES, (symptom) => badge('idle', symptom, 'nobody is told of it'));

export interface TableOptions {
  /** For whom does not see it. */
  caption: string;
  /** Its rows are replaced one by one. */
  isLive?: boolean;
  sort: Sort;
  rows: readonly Markup[];
}

/** Never without its body: a row that comes later must find its place. */
export function fleetTable({ caption, isLive = false, sort, rows }: TableOptions): Markup {
  const heads = COLUMNS.map(
    (column) =>
      html`<th scope="col"${column.isNumber && html` class="num"`}${column.sort === sort && html` aria-sort="${column.order}"`}>${column.title}</th>`,
  );
  return html`<table class="fleet"><caption class="visually-hidden">${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody${isLive && html` data-live="hosts" data-keyed data-rows="/live/hosts"`}>${rows}</tbody></table>`;
}

/** `after`: the host before it, for the script that puts a single row in its place; `''` for the first. */
export function hostRow(host: FleetHost, picture: FleetPicture, after?: string): Markup {
  const { host_id: id, state, last_stored_at: storedAt } = host;
  return html`<tr data-key="${id}"${after !== undefined && html` data-after="${after}"`}><th scope="row"><a href="/hosts/${encodeURIComponent(id)}">${id}</a></th><td>${STATE_BADGES[state]}</td><td>${timeAgo(storedAt, picture.now)}</td><td>${strip(picture.dayOf(host))}</td><td class="num">${countText(host.episodes_24h)}</td><td>${backlogText(host, picture)}</td><td>${commitText(host)}</td><td>${doctorText(host)}</td><td>${alertBadges(host)}</td></tr>`;
}

/** In place of rows: its key is no host's. */
export function noRow(text: Markup | string): Markup {
  return html`<tr data-key="" class="none"><td colspan="${COLUMNS.length}" class="empty">${text}</td></tr>`;
}

/** `?` after what an old heartbeat said. */
function backlogText(host: FleetHost, { heartbeatFreshMs, now }: FleetPicture): Markup | string {
  const backlog = backlogOf(host);
  if (!backlog) return NOTHING;
  const { episodes, oldestS, heldFor, receivedAtWall } = backlog;
  const isOld = Date.parse(now) - Date.parse(receivedAtWall) > heartbeatFreshMs;
  const text = `${countText(episodes)}${oldestS ? `, ${spanText(oldestS)}` : ''}`;
  if (isOld) return html`<span class="muted" title="its last heartbeat is too old to go by">${text} ?</span>`;
  if (heldFor === undefined) return episodes === 0 ? html`<span class="muted">0</span>` : text;
  return html`${text} <span class="badge bad" title="it waits, and is not tried: ${cutShort(inertLine(heldFor), 4 * LONGEST_CODE)}">held: ${cutShort(inertLine(heldFor), LONGEST_CODE)}</span>`;
}

function commitText({ commit, head_distance: distance }: FleetHost): Markup {
  if (commit === null) return NOTHING;
  const text = distance === null ? commit.slice(0, SHORT_COMMIT) : distanceText(distance);
  return html`<span title="${commit}"${distance === 0 && html` class="muted"`}>${text}</span>`;
}

function doctorText({ doctor }: FleetHost): Markup {
  if (!doctor) return NOTHING;
  const shown = DOCTOR_BADGES[doctor.status];
  if (doctor.red.length === 0) return shown;
  return html`${shown} <span class="why">${doctor.red.map(({ id }) => id).join(', ')}</span>`;
}

function alertBadges({ alerts }: FleetHost): Markup | Markup[] {
  if (alerts.length === 0) return NOTHING;
  return alerts.map((alert) => (isQuiet(alert) ? QUIET_BADGES : ALERT_BADGES)[alert.symptom]);
}

function byName<Name extends CheckStatus | HostState | Symptom>(
  names: readonly Name[],
  make: (name: Name) => Markup,
): Record<Name, Markup> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Markup>;
}
