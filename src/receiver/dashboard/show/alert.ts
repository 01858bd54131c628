// One alert: what is wrong with whom, since when, the command to paste, and what somebody has said of it.

import { html } from 'hono/html';
import { WHOLE_FLEET } from '../../../protocol/alert.ts';
import type { OpenAlert, SilenceAnswer } from '../../../protocol/answers.ts';
import type { Markup } from '../page.ts';
import { badge, severityBadge } from './badges.ts';
import { copyable } from './command.ts';
import { hostLink } from './links.ts';
import { spanText, timeAgo, timeAt } from './time.ts';

/** `resolved_at`: undefined where only what fires is shown. */
export type ShownAlert = OpenAlert & { host: string; resolved_at?: string | null };

export interface AlertView {
  /** A wall time. */
  now: string;
  silences: readonly SilenceAnswer[];
  /** Where the form for it is; undefined for who may not send it. */
  acknowledge?: (alert: ShownAlert) => string;
  silence?: (alert: ShownAlert) => string;
  /** The host goes without saying on its own page. */
  withHost: boolean;
}

export function alertItem(alert: ShownAlert, view: AlertView): Markup {
  const { id, symptom, severity, detail, suggested_fix: fix, host } = alert;
  const isPast = (alert.resolved_at ?? null) !== null;
  return html`<article class="alert ${isPast ? 'past' : severity}" id="alert-${id}" data-key="${id}">
<p class="alert-head">${severityBadge(severity)} <strong>${symptom}</strong>${view.withHost && html` on ${alertHost(host)}`}
<span class="muted">${whenOf(alert, view.now)}</span>${marksOf(alert)}</p>
<p class="alert-detail">${detail}</p>
${!isPast && fix !== '' && copyable(fix)}
${notesOf(alert, view)}
${!isPast && actionsOf(alert, view)}
</article>`;
}

export function alertHost(host: string): Markup {
  return host === WHOLE_FLEET ? html`<span>the whole fleet</span>` : hostLink(host);
}

/** In words, for links and titles. */
export function alertName({ symptom, host }: Pick<ShownAlert, 'symptom' | 'host'>): string {
  return `${symptom} on ${host === WHOLE_FLEET ? 'the whole fleet' : host}`;
}

function whenOf({ since, resolved_at: resolvedAt }: ShownAlert, now: string): Markup {
  if (resolvedAt === undefined || resolvedAt === null) return html`since ${timeAt(since)} (${timeAgo(since, now)})`;
  const lastedS = (Date.parse(resolvedAt) - Date.parse(since)) / 1000;
  return html`from ${timeAt(since)} for ${spanText(lastedS)}, over ${timeAgo(resolvedAt, now)}`;
}

function marksOf({ suppressed, silenced, acknowledged }: ShownAlert): Markup[] {
  return [
    ...(suppressed === null ? [] : [badge('idle', `explained by ${suppressed}`)]),
    ...(silenced === null ? [] : [badge('idle', 'silenced')]),
    ...(acknowledged === null ? [] : [badge('idle', 'acknowledged')]),
  ];
}

function notesOf({ suppressed, silenced, acknowledged }: ShownAlert, { silences, now }: AlertView): Markup {
  const silence = silences.find(({ id }) => id === silenced);
  return html`${
    suppressed !== null &&
    html`<p class="note">Nobody is told of it while <strong>${suppressed}</strong> fires: cure that first.</p>`
  }${silence && html`<p class="note">Silenced until ${timeAt(silence.expires_at)} by ${silence.by}: ${silence.reason}</p>`}${
    acknowledged &&
    html`<p class="note">Acknowledged by ${acknowledged.by}, ${timeAgo(acknowledged.at, now)}: ${acknowledged.reason}</p>`
  }`;
}

function actionsOf(alert: ShownAlert, { acknowledge, silence }: AlertView): Markup | false {
  if (!silence && (!acknowledge || alert.acknowledged !== null)) return false;
  const name = html`<span class="visually-hidden"> ${alertName(alert)}</span>`;
  return html`<p class="actions">${acknowledge && alert.acknowledged === null && html`<a class="button" href="${acknowledge(alert)}">Acknowledge${name}</a> `}${silence && html`<a class="button" href="${silence(alert)}">Silence${name}</a>`}</p>`;
}
