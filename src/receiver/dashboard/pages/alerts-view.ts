// The alerts as a page: what nobody has spoken for yet, what somebody knows of, what is silenced, and what has been.

import { html } from 'hono/html';
import { SYMPTOM_NAMES, type Symptom } from '../../../protocol/alert.ts';
import type { AlertAnswer } from '../../../protocol/answers.ts';
import type { SortedAlerts } from '../../alerts/sort-alerts.ts';
import type { Markup, Page } from '../page.ts';
import { type AlertView, alertItem, type ShownAlert } from '../show/alert.ts';
import { alertFreshness } from '../show/alert-freshness.ts';
import { severityBadge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { counted, countText } from '../show/figures.ts';
import { timeAgo } from '../show/time.ts';
import { type OpenForm, openForm } from './alerts-forms.ts';
import { type AlertsQuestion, alertsPath, isAsked, TABS, type Tab } from './alerts-question.ts';
import { silencesTable } from './alerts-silences.ts';

// More of one symptom stand together, folded.
const MOST_APART = 5;
const MOST_IN_GROUP = 200;
const MOST_NAMED = 6;

export interface AlertsFacts {
  sorted: SortedAlerts;
  question: AlertsQuestion;
  form: OpenForm | undefined;
  mayAcknowledge: boolean;
  maySilence: boolean;
  /** Of the answer to a form that could not be taken. */
  status?: Page['status'];
  /** A wall time. */
  now: string;
}

export function alertsView(facts: AlertsFacts): Page {
  const { sorted, question, form, status, now } = facts;
  if (status !== undefined) return formAgain(status, form);
  const shown = sorted[question.tab].filter((alert) => isAsked(question, alert));
  const open = sorted.open.length;
  return {
    title: open === 0 ? 'Alerts' : `(${countText(open)}) Alerts`,
    section: 'alerts',
    topics: ['alerts', 'tick'],
    body: html`<div class="page-head"><h1>Alerts</h1>
${facts.maySilence && html`<a class="button" href="${alertsPath(question, { silence: 'new' })}">Silence…</a>`}</div>
<div data-live="freshness">${alertFreshness(sorted.ranAt, now)}</div>
${form && openForm(form)}
${tabs(sorted, question)}
${filters(question)}
<p class="visually-hidden" aria-live="polite" data-live="count">${counted(shown.length, 'alert')} shown</p>
<div class="alerts" data-live="alerts" data-keyed>${shown.length === 0 ? nothing(facts) : groups(shown, facts)}</div>
${question.tab === 'silenced' && silencesTable(sorted.silences, { mayEnd: facts.maySilence, back: alertsPath(question), now })}`,
  };
}

/** At the address that the form was sent to: nothing there is live. */
function formAgain(status: NonNullable<Page['status']>, form: OpenForm | undefined): Page {
  return {
    status,
    title: 'Alerts',
    section: 'alerts',
    topics: [],
    body: html`<h1>Alerts</h1>${form && openForm(form)}<p><a href="/alerts">All alerts</a></p>`,
  };
}

function tabs(sorted: SortedAlerts, question: AlertsQuestion): Markup {
  const links = Object.entries(TABS).map(([name, label]) => {
    const tab = name as Tab;
    const count = sorted[tab].filter((alert) => isAsked(question, alert)).length;
    const current = tab === question.tab && html` aria-current="page"`;
    const figure = tab !== 'history' && html` <span class="count">${countText(count)}</span>`;
    return html`<a href="${alertsPath({ ...question, tab })}"${current}>${label}${figure}</a>`;
  });
  return html`<nav class="tabs" aria-label="Kinds of alerts" data-live="tabs">${links}</nav>`;
}

function filters({ tab, host, symptom }: AlertsQuestion): Markup {
  return html`<form class="filters" method="get" action="/alerts" data-filter role="search" aria-label="Alerts">
${tab !== 'open' && html`<input type="hidden" name="show" value="${tab}">`}
<label>Host<input name="host" type="search" value="${host}" autocomplete="off" spellcheck="false"></label>
<label>Symptom<select name="symptom"><option value="">all</option>${SYMPTOM_NAMES.map(
    (name) => html`<option${name === symptom && html` selected`}>${name}</option>`,
  )}</select></label>
<button data-no-script>Show</button>
</form>`;
}

function nothing({ question, sorted }: AlertsFacts): Markup {
  const { tab, host, symptom } = question;
  if (host !== '' || symptom !== undefined) {
    const all = alertsPath({ tab, host: '', symptom: undefined });
    return html`<section class="card empty" data-key="nothing"><p>None of these. <a href="${all}">Show all</a></p></section>`;
  }
  const texts: Record<Tab, string> = {
    open: sorted.ranAt === null ? 'Nothing has been looked at yet.' : 'Nothing needs you.',
    acknowledged: 'Nothing is acknowledged now.',
    silenced: 'Nothing that fires is silenced now.',
    history: 'Nothing has been over yet.',
  };
  return html`<section class="card empty" data-key="nothing"><p><strong>${texts[tab]}</strong></p></section>`;
}

/** By symptom, in the order of the first of each. */
function groups(shown: readonly AlertAnswer[], facts: AlertsFacts): Markup[] {
  if (facts.question.tab === 'history') return [whole('past', shown, facts)];
  return [...Map.groupBy(shown, ({ symptom }) => symptom)].map(([symptom, alerts]) =>
    alerts.length > MOST_APART ? folded(symptom, alerts, facts) : whole(symptom, alerts, facts),
  );
}

function whole(key: string, alerts: readonly AlertAnswer[], facts: AlertsFacts): Markup {
  return html`<section class="card alert-group" data-key="${key}">${items(alerts, facts)}</section>`;
}

function folded(symptom: Symptom, alerts: readonly AlertAnswer[], facts: AlertsFacts): Markup {
  const { question, maySilence, now } = facts;
  const [first] = alerts;
  const oldest = alerts.reduce((least, { since }) => (since < least ? since : least), first?.since ?? now);
  const cures = new Set(alerts.map(cureWithoutHost));
  const hosts = alerts.slice(0, MOST_NAMED).map(({ host }) => host);
  const left = alerts.length - hosts.length;
  return html`<section class="card alert-group" data-key="${symptom}">
<p class="alert-head">${severityBadge(first?.severity ?? 'warning')} <strong>${symptom}</strong> on ${counted(alerts.length, 'host')}
<span class="muted">the oldest since ${timeAgo(oldest, now)}</span></p>
<p class="alert-detail">${hosts.join(', ')}${left > 0 && ` and ${countText(left)} more`}</p>
${first && cures.size === 1 && first.suggested_fix !== '' && html`${copyable(first.suggested_fix)}${first.suggested_fix.includes(first.host) && html`<p class="note">For ${first.host}; the same for each of the others.</p>`}`}
${maySilence && html`<p class="actions"><a class="button" href="${alertsPath({ ...question, host: '', symptom }, { silence: 'new' })}">Silence this symptom</a></p>`}
<details id="all-${symptom}"><summary>Each of them, with its command</summary>${items(alerts.slice(0, MOST_IN_GROUP), facts)}
${alerts.length > MOST_IN_GROUP && html`<p class="muted">${countText(alerts.length - MOST_IN_GROUP)} more: look for a host above, or <code>cis490 alerts</code>.</p>`}</details>
</section>`;
}

/** The host's own name in a command does not make it another cure. */
function cureWithoutHost({ host, suggested_fix: fix }: AlertAnswer): string {
  return JSON.stringify(fix.split(host));
}

function items(
  alerts: readonly AlertAnswer[],
  { sorted, question, mayAcknowledge, maySilence, now }: AlertsFacts,
): Markup[] {
  const acknowledge = ({ id }: ShownAlert) => alertsPath(question, { acknowledge: id });
  const silence = ({ host, symptom }: ShownAlert) => alertsPath({ ...question, host, symptom }, { silence: 'new' });
  const view: AlertView = {
    now,
    silences: sorted.silences,
    withHost: true,
    ...(mayAcknowledge && { acknowledge }),
    ...(maySilence && { silence }),
  };
  return alerts.map((alert) => alertItem(alert, view));
}
