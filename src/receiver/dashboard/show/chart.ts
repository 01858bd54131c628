// A chart as the server writes it: what it says in one sentence, its figures as a table, and its data for browser/charts.js. Whole
// without scripts.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import type { Markup } from '../page.ts';
import { countText } from './figures.ts';
import { plainTime, timeAt } from './time.ts';

const MOST_ROWS = 100;
const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });

/** A series per unit has its own scale: the first unit's on the left, a second one's on the right, and no third. `''`: a bare number. */
export type ChartUnit = 'count' | 'bytes' | 's' | 'percent' | '';

export interface ChartSeries {
  /** Also a host's word: it is shown as inert text alone. */
  label: string;
  unit: ChartUnit;
  /** What it means, where it means something; else the palette's colours in their order. */
  tone?: 'good' | 'warn' | 'bad' | 'idle';
  /** One for each time; null where nothing is known. */
  values: readonly (number | null)[];
}

export interface Chart {
  /** Unique in the page; ours, never a host's word. */
  id: string;
  title: string;
  /** What it says, in one sentence, for whom does not see it. */
  summary: string;
  /** `bars` of several series stand over each other, as `stacked-bars` stand upon each other. Both begin at zero, `line` at its least. */
  kind: 'line' | 'bars' | 'stacked-bars';
  /** `time`: seconds since 1970. `day`: the beginning of a day in UTC, likewise. `elapsed`: seconds since the beginning. */
  x: 'time' | 'day' | 'elapsed';
  /** Rising. */
  times: readonly number[];
  series: readonly ChartSeries[];
}

export function chart(shown: Chart): Markup {
  const { id, title, summary, kind, x, times, series } = shown;
  return html`<figure class="chart" id="${id}" data-chart="${JSON.stringify({ kind, x, times, series })}">
<figcaption><strong>${title}</strong> <span class="muted">${summary}</span></figcaption>
<div class="plot" role="img" aria-label="${title}: ${summary}"></div>
<details id="${id}-figures"><summary>Figures as a table</summary>
${tableOf(shown)}
</details>
</figure>`;
}

/** Times at which nothing was counted are left out of bars; a long line is told by some of its points. */
function tableOf({ title, kind, x, times, series }: Chart): Markup {
  const all = times.map((_, index) => index);
  const told = kind === 'line' ? all : all.filter((index) => series.some(({ values }) => (values[index] ?? 0) !== 0));
  if (told.length === 0) return html`<p class="muted">Nothing to show.</p>`;
  const step = Math.ceil(told.length / MOST_ROWS);
  const note = step === 1 ? '' : ` (one of every ${countText(step)} points)`;
  const rows = told.filter((_, place) => place % step === 0);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}, as a table"><table>
<caption class="visually-hidden">${title}${note}</caption>
<thead><tr><th scope="col">${x === 'elapsed' ? 'After' : x === 'day' ? 'Day (UTC)' : 'From'}</th>${series.map(
    ({ label }) => html`<th scope="col" class="num">${label}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    (index) =>
      html`<tr><th scope="row">${timeCell(times[index] ?? 0, x)}</th>${series.map(
        ({ unit, values }) => html`<td class="num">${valueText(values[index] ?? null, unit)}</td>`,
      )}</tr>`,
  )}</tbody>
</table></div>${note !== '' && html`<p class="muted">One of every ${countText(step)} points.</p>`}`;
}

function timeCell(time: number, x: Chart['x']): Markup | string {
  if (x === 'elapsed') return `${NUMBER.format(time)} s`;
  const date = new Date(time * 1000);
  // The time of a hostile file may be none.
  if (Number.isNaN(date.getTime())) return '?';
  return x === 'day' ? plainTime(date.toISOString()).slice(0, 10) : timeAt(date.toISOString());
}

/** As browser/charts.js writes it. */
function valueText(value: number | null, unit: ChartUnit): string {
  if (value === null) return '–';
  if (unit === 'bytes') return formatSize(value);
  const number = NUMBER.format(value);
  return unit === 's' ? `${number} s` : unit === 'percent' ? `${number} %` : number;
}
