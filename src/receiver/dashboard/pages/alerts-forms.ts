// The maintainer's decisions as forms: what was typed is kept, and each mistake stands beside its field.

import { html } from 'hono/html';
import { SYMPTOM_NAMES } from '../../../protocol/alert.ts';
import type { AlertAnswer } from '../../../protocol/answers.ts';
import type { Markup } from '../page.ts';
import { alertName } from '../show/alert.ts';

/** By the name of the field. */
export interface FormState {
  typed: Readonly<Record<string, string>>;
  mistakes: Readonly<Record<string, string>>;
}

export const EMPTY_FORM: FormState = { typed: {}, mistakes: {} };

/** The form that stands open, above the alerts. */
export type OpenForm =
  | { kind: 'acknowledge'; alert: AlertAnswer; form: FormState; back: string }
  | { kind: 'silence'; form: FormState; back: string }
  /** What was to be decided is decided already. */
  | { kind: 'told'; text: string };

const SPANS = { '1h': '1 hour', '4h': '4 hours', '1 day': '1 day', '7 days': '7 days' };
const USUAL_SPAN = '4h';

export function openForm(open: OpenForm): Markup {
  switch (open.kind) {
    case 'told':
      return html`<p class="card told" role="status">${open.text}</p>`;
    case 'acknowledge':
      return acknowledgeForm(open.alert, open.form, open.back);
    case 'silence':
      return silenceForm(open.form, open.back);
  }
}

function acknowledgeForm(alert: AlertAnswer, form: FormState, back: string): Markup {
  return html`<section class="card decide" aria-labelledby="decision">
<h2 id="decision">Acknowledge ${alertName(alert)}</h2>
<p class="muted">Nobody is reminded of it until it is over. It stays to be seen under “Acknowledged”.</p>
<form method="post" action="/alerts/${encodeURIComponent(alert.id)}/acknowledge" class="fields">
${summaryOf(form)}
<input type="hidden" name="back" value="${back}">
${field('reason', 'Reason', form, reasonInput(form, 'disk ordered, comes on Friday'))}
${ends('Acknowledge', back)}
</form></section>`;
}

function silenceForm(form: FormState, back: string): Markup {
  const { typed } = form;
  const span = typed['for'] ?? USUAL_SPAN;
  return html`<section class="card decide" aria-labelledby="decision">
<h2 id="decision">Silence alerts</h2>
<p class="muted">For a time nobody is told of a host, of a symptom, or of one at the other. What fires stays to be seen.</p>
<form method="post" action="/silences" class="fields">
${summaryOf(form)}
<input type="hidden" name="back" value="${back}">
${field(
  'host',
  'Host',
  form,
  html`<input id="silence-host" name="host" value="${typed['host'] ?? ''}" placeholder="every host" autocomplete="off" spellcheck="false"${told('host', form, true)}>`,
  'Empty: every host. *: what is wrong with the fleet as a whole.',
)}
${field(
  'symptom',
  'Symptom',
  form,
  html`<select id="silence-symptom" name="symptom"${told('symptom', form)}><option value="">every symptom</option>${SYMPTOM_NAMES.map(
    (name) => html`<option${name === typed['symptom'] && html` selected`}>${name}</option>`,
  )}</select>`,
)}
${field('reason', 'Reason', form, reasonInput(form, 'moves to another rack'))}
${field(
  'for',
  'For',
  form,
  html`<select id="silence-for" name="for"${told('for', form)}>${Object.entries(SPANS).map(
    ([value, label]) => html`<option value="${value}"${value === span && html` selected`}>${label}</option>`,
  )}</select>`,
)}
${field(
  'until',
  'Or until (UTC)',
  form,
  html`<input id="silence-until" name="until" type="datetime-local" value="${typed['until'] ?? ''}"${told('until', form, true)}>`,
  'Where a time is given, it counts. At most 30 days ahead.',
)}
${ends('Silence', back)}
</form></section>`;
}

function reasonInput(form: FormState, example: string): Markup {
  return html`<input id="silence-reason" name="reason" value="${form.typed['reason'] ?? ''}" placeholder="${example}" maxlength="500" required autofocus autocomplete="off"${told('reason', form)}>`;
}

function field(name: string, label: string, { mistakes }: FormState, input: Markup, hint = ''): Markup {
  const mistake = mistakes[name];
  return html`<div class="field ${name}"><label for="silence-${name}">${label}</label>${input}
${mistake !== undefined && html`<span class="mistake" id="mistake-${name}">${mistake}</span>`}
${hint !== '' && html`<span class="muted hint" id="hint-${name}">${hint}</span>`}</div>`;
}

/** Its mistake and its hint are read out with a field. */
function told(name: string, { mistakes }: FormState, hasHint = false): Markup {
  const isWrong = mistakes[name] !== undefined;
  const ids = [...(isWrong ? [`mistake-${name}`] : []), ...(hasHint ? [`hint-${name}`] : [])].join(' ');
  return html`${isWrong && html` aria-invalid="true"`}${ids !== '' && html` aria-describedby="${ids}"`}`;
}

function summaryOf({ mistakes }: FormState): Markup | false {
  const count = Object.keys(mistakes).length;
  return (
    count > 0 &&
    html`<p class="failure" role="alert">Not done yet: see ${count === 1 ? 'the field' : 'the fields'} below.</p>`
  );
}

function ends(word: string, back: string): Markup {
  return html`<p class="actions"><button class="primary">${word}</button> <a class="button" href="${back}">Cancel</a></p>`;
}
