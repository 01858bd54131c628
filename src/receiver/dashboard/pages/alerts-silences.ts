// The silences: which hold, which have ended lately, whose they are and why.

import { html } from 'hono/html';
import type { SilenceAnswer } from '../../../protocol/answers.ts';
import type { Markup } from '../page.ts';
import { alertHost } from '../show/alert.ts';
import { badge } from '../show/badges.ts';
import { timeAgo, timeAt } from '../show/time.ts';

export interface SilencesView {
  mayEnd: boolean;
  /** Where the form leads back to. */
  back: string;
  /** A wall time. */
  now: string;
}

export function silencesTable(silences: readonly SilenceAnswer[], view: SilencesView): Markup {
  return html`<section class="card" data-live="silences" aria-labelledby="silences"><h2 id="silences">Silences</h2>
${
  silences.length === 0
    ? html`<p class="muted">None holds, and none has ended within 30 days.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Silences, as a table"><table>
<thead><tr><th scope="col">Of</th><th scope="col">State</th><th scope="col">Until</th><th scope="col">Reason</th><th scope="col">By</th>${view.mayEnd && html`<th scope="col"><span class="visually-hidden">End</span></th>`}</tr></thead>
<tbody>${silences.map((silence) => rowOf(silence, view))}</tbody></table></div>`
}</section>`;
}

function rowOf(silence: SilenceAnswer, { mayEnd, back, now }: SilencesView): Markup {
  const { id, host, symptom, active, expires_at: until, reason, by, created_at: madeAt } = silence;
  const isToCome = !active && madeAt > now;
  return html`<tr id="silence-${id}">
<th scope="row">${host === null ? 'every host' : alertHost(host)}, ${symptom ?? 'every symptom'}</th>
<td>${active ? badge('warn', 'holds') : badge('idle', isToCome ? 'to come' : 'ended')}</td>
<td class="nowrap">${timeAt(until)}</td>
<td class="words">${reason}</td>
<td class="nowrap">${by}, ${timeAgo(madeAt, now)}</td>
${mayEnd && html`<td>${active && endForm(id, back)}</td>`}
</tr>`;
}

function endForm(id: string, back: string): Markup {
  return html`<form method="post" action="/silences/${encodeURIComponent(id)}/end"><input type="hidden" name="back" value="${back}"><button>End now<span class="visually-hidden"> silence ${id}</span></button></form>`;
}
