// What was stored on each day, as charts. One for episodes and one for bytes: bars of two scales over each other compare what cannot be
// compared.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import type { Tally } from '../../../storage/ledger.ts';
import type { Markup } from '../page.ts';
import { type Chart, chart } from '../show/chart.ts';
import { countText } from '../show/figures.ts';
import { sumOf } from './data-tallies.ts';

/** `isDefault`: nobody has asked for these days. */
export function dayCharts(days: readonly Tally[], isDefault: boolean): Markup {
  const total = sumOf(days);
  const span = isDefault ? ` in the last ${days.length} days` : '';
  const mostOn = (figureOf: (day: Tally) => number) =>
    days.reduce((most, day) => (figureOf(day) > figureOf(most) ? day : most));
  const [busiest, largest] = [mostOn(({ episodes }) => episodes), mostOn(({ sizeBytes }) => sizeBytes)];
  const common = { kind: 'bars', x: 'day', times: days.map(({ key }) => Date.parse(key ?? '') / 1000) } as const;
  const charts: Chart[] = [
    {
      ...common,
      id: 'episodes-by-day',
      title: 'Episodes by day',
      summary:
        total.episodes === 0
          ? `None${span}.`
          : `${countText(total.episodes)}${span}; most on ${busiest.key}: ${countText(busiest.episodes)}.`,
      series: [{ label: 'Episodes', unit: 'count', values: days.map((day) => day.episodes) }],
    },
    {
      ...common,
      id: 'bytes-by-day',
      title: 'Bytes by day',
      summary:
        total.sizeBytes === 0
          ? `None${span}.`
          : `${formatSize(total.sizeBytes)}${span}; most on ${largest.key}: ${formatSize(largest.sizeBytes)}.`,
      series: [{ label: 'Bytes', unit: 'bytes', values: days.map((day) => day.sizeBytes) }],
    },
  ];
  return html`<div class="grid" id="by-day">${charts.map((one) => html`<section class="card">${chart(one)}</section>`)}</div>`;
}
