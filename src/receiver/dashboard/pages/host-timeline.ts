// One host's last 24 hours by quarter of an hour: what it stored, what it was refused and why, and how many bytes came.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import type { Outcomes } from '../../attempts/attempt-counter.ts';
import { outcomeKindOf } from '../../attempts/outcome-kind.ts';
import { QUARTER_MS, QUARTERS, quarterOf } from '../../fleet/day-quarters.ts';
import type { StoredQuarter } from '../../fleet/stored-quarters.ts';
import type { Markup } from '../page.ts';
import { type ChartSeries, chart } from '../show/chart.ts';
import { counted, countText } from '../show/figures.ts';

const MOST_CODES = 5;

/** Both of 96 quarters, the oldest first. */
export interface HostDay {
  stored: readonly StoredQuarter[];
  outcomes: readonly Outcomes[];
}

export function hostTimeline({ stored, outcomes }: HostDay, now: string): Markup {
  const others = otherOutcomes(outcomes);
  const episodes = stored.map((quarter) => quarter.episodes);
  const bytes = stored.map(({ sizeBytes }) => sizeBytes);
  const total = sumOf(episodes);
  if (total === 0 && others.length === 0)
    return html`<p class="empty">Nothing was stored or refused in the last 24 hours.</p>`;
  const first = quarterOf(now) - QUARTERS + 1;
  const times = stored.map((_, index) => ((first + index) * QUARTER_MS) / 1000);
  const told = others.map(({ label, values }) => `${label} ${countText(sumOf(values))}`);
  return html`${chart({
    id: 'attempts',
    title: 'Attempts by quarter of an hour',
    summary: `${counted(total, 'episode')} stored in 24 hours${told.length === 0 ? ', nothing refused' : `; ${told.join(', ')}`}.`,
    kind: 'stacked-bars',
    x: 'time',
    times,
    series: [{ label: 'stored', unit: 'count', tone: 'good', values: episodes }, ...others],
  })}
${chart({
  id: 'bytes',
  title: 'Bytes stored',
  summary: `${formatSize(sumOf(bytes))} in 24 hours.`,
  kind: 'bars',
  x: 'time',
  times,
  series: [{ label: 'bytes', unit: 'bytes', tone: 'good', values: bytes }],
})}`;
}

/** The commonest codes each by itself, the rest together. What was stored is the ledger's to tell. */
function otherOutcomes(outcomes: readonly Outcomes[]): ChartSeries[] {
  const sums = new Map<string, number>();
  for (const quarter of outcomes) {
    for (const [outcome, count] of Object.entries(quarter)) {
      if (outcome !== 'stored') sums.set(outcome, (sums.get(outcome) ?? 0) + count);
    }
  }
  const codes = [...sums].toSorted(([, left], [, right]) => right - left).map(([outcome]) => outcome);
  const apart = codes.slice(0, MOST_CODES);
  const rest = codes.slice(MOST_CODES);
  const series = apart.map((code) => seriesOf(code, [code], outcomes));
  return rest.length === 0 ? series : [...series, seriesOf('other refusals', rest, outcomes)];
}

function seriesOf(label: string, codes: readonly string[], outcomes: readonly Outcomes[]): ChartSeries {
  const values = outcomes.map((quarter) => sumOf(codes.map((code) => quarter[code] ?? 0)));
  const isHarmless = label === 'duplicate' || outcomeKindOf(label) === 'failed';
  return { label, unit: 'count', ...(isHarmless && { tone: 'idle' as const }), values };
}

function sumOf(values: readonly (number | null)[]): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
