// Which charts an episode's telemetry becomes: columns of one subject and unit share one. Pure.

import { inertLine } from '../../../lib/inert-text.ts';
import type { Telemetry } from '../../data-set/read-telemetry.ts';
import type { TelemetrySeries } from '../../data-set/telemetry-reader.ts';
import type { Chart, ChartUnit } from '../show/chart.ts';
import { spanText } from '../show/time.ts';

const MOST_CHARTS = 10;
const MOST_SERIES = 6;
const DIGITS = 4;

/** By the beginning of a column's name; what has none is a subject of its own. */
const SUBJECTS: readonly (readonly [pattern: RegExp, title: string])[] = [
  [/^cpu_/, 'Processor'],
  [/^(?:mem|swap)_/, 'Memory'],
  [/^disk_/, 'Disk'],
  [/^net_/, 'Network'],
  [/^load_/, 'Load'],
  [/^pressure_/, 'Pressure'],
];
const UNIT_TITLES: Record<string, string> = {
  's/s': 'seconds in each second',
  'bytes/s': 'bytes in each second',
  '%/s': 'growth in each second',
  '%': 'percent of the time',
};
const CHART_UNITS: Record<string, ChartUnit> = { s: 's', bytes: 'bytes', 'bytes/s': 'bytes', '%': 'percent' };

export interface TelemetryCharts {
  charts: Chart[];
  /** Names of columns that are in no chart: always zero, without numbers, or too many. */
  leftOut: string[];
}

export function telemetryCharts({ timesS, series: recorded }: Telemetry): TelemetryCharts {
  const series = recorded.map((one) => ({ ...one, name: inertLine(one.name), unit: inertLine(one.unit) }));
  const drawn = series.filter((one) => isTelling(one));
  const leftOut = series.filter((one) => !isTelling(one)).map(({ name }) => name);
  if (timesS.length < 2) return { charts: [], leftOut: series.map(({ name }) => name) };
  const groups = [...Map.groupBy(drawn, ({ name, unit }) => `${subjectOf(name)} ${unit}`).values()];
  const charts = groups.slice(0, MOST_CHARTS).map((group, index) => {
    const shown = group.toSorted((one, other) => peakOf(other) - peakOf(one)).slice(0, MOST_SERIES);
    leftOut.push(...group.filter((one) => !shown.includes(one)).map(({ name }) => name));
    return chartOf(
      group.filter((one) => shown.includes(one)),
      timesS,
      index,
    );
  });
  leftOut.push(...groups.slice(MOST_CHARTS).flatMap((group) => group.map(({ name }) => name)));
  return { charts, leftOut };
}

function chartOf(group: readonly TelemetrySeries[], timesS: readonly number[], index: number): Chart {
  const { name = '', unit = '' } = group[0] ?? {};
  const inUnit = UNIT_TITLES[unit] ?? (unit === '' ? '' : unit);
  const title = `${subjectOf(name)}${inUnit === '' ? '' : `, ${inUnit}`}`;
  const most = group.reduce((highest, one) => (peakOf(one) > peakOf(highest) ? one : highest), group[0] ?? blank());
  return {
    id: `telemetry-${index + 1}`,
    title,
    summary: `Over ${spanText(timesS.at(-1) ?? 0)}; most: ${labelOf(most.name)}.`,
    kind: 'line',
    x: 'elapsed',
    times: timesS.map((time) => Math.round(time * 1000) / 1000),
    series: group.map((one) => ({
      label: labelOf(one.name),
      unit: CHART_UNITS[unit] ?? '',
      values: one.values.map((value) => (value === null ? null : Number(value.toPrecision(DIGITS)))),
    })),
  };
}

/** An idle processor says the same as the others do, and makes them small. */
function isTelling({ name, values }: TelemetrySeries): boolean {
  return name !== 'cpu_idle_s' && values.some((value) => value !== null && value !== 0);
}

function peakOf({ values }: TelemetrySeries): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value !== null && Math.abs(value) > most) most = Math.abs(value);
  return most;
}

function subjectOf(name: string): string {
  return SUBJECTS.find(([pattern]) => pattern.test(name))?.[1] ?? name;
}

/** `cpu_user_s` is the user's part of the processor. */
function labelOf(name: string): string {
  const subject = SUBJECTS.find(([pattern]) => pattern.test(name));
  if (!subject) return name;
  const rest = name.startsWith('swap_') ? name : name.replace(subject[0], '');
  return rest.replace(/_(?:total_s|s|bytes|percent)$/, '').replaceAll('_', ' ');
}

function blank(): TelemetrySeries {
  return { name: '', unit: '', values: [] };
}
