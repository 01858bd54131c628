// The form that finds episodes. A GET: what it selects is a link, and it works without scripts.

import { html } from 'hono/html';
import { isHostId } from '../../../protocol/ids.ts';
import type { Tally } from '../../../storage/ledger.ts';
import type { Markup } from '../page.ts';
import { DATA_FIELDS, type DataField, type DataQuestion } from './data-question.ts';

const MOST_SUGGESTED = 1_000;

const LABELS: Record<DataField, string> = {
  host: 'Host',
  commit: 'Commit',
  since: 'Stored from (UTC)',
  until: 'Before (UTC)',
  episode: 'Episode, by its name',
};

export function dataForm(question: DataQuestion, hosts: readonly Tally[]): Markup {
  const suggested = hosts.flatMap(({ key }) => (key !== null && isHostId(key) ? [key] : [])).slice(0, MOST_SUGGESTED);
  const isAsked = DATA_FIELDS.some((field) => question.typed[field] !== '');
  return html`<form class="filters find" method="get" action="/data" role="search" aria-label="Find episodes">
${DATA_FIELDS.map((field) => fieldOf(field, question))}
<datalist id="hosts-known">${suggested.map((host) => html`<option value="${host}"></option>`)}</datalist>
<div class="go"><button class="primary">Find</button>${isAsked && html` <a class="button" href="/data">Clear</a>`}</div>
</form>`;
}

function fieldOf(field: DataField, { typed, mistakes }: DataQuestion): Markup {
  const mistake = mistakes[field];
  const text = typed[field];
  const isDate = (field === 'since' || field === 'until') && /^(?:\d{4}-\d{2}-\d{2})?$/.test(text);
  const more = { host: html` list="hosts-known"`, commit: html` class="mono"` }[field as string];
  return html`<label>${LABELS[field]}
<input name="${field}" type="${isDate ? 'date' : 'text'}" value="${text}" autocomplete="off" spellcheck="false"${more}${mistake !== undefined && html` aria-invalid="true" aria-describedby="mistake-${field}"`}>
${mistake !== undefined && html`<span class="mistake" id="mistake-${field}">${mistake}</span>`}
</label>`;
}
