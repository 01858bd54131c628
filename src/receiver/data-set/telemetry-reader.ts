// Lines of telemetry.csv into thinned series: what counts since the boot becomes what it grew by in each second.

import { describeTelemetryColumn, TELEMETRY_TIME_S, TELEMETRY_WALL_TIME } from '../../protocol/telemetry.ts';
import { ThinnedSeries } from './thinned-series.ts';

const MOST_COLUMNS = 100;
const LONGEST_NAME = 100;

export interface TelemetrySeries {
  /** As its column is named: text of the recorder's. */
  name: string;
  /** Of the values: `s`, `bytes`, `%` or none; `s/s` or `bytes/s` of what a counter grew by. */
  unit: string;
  values: (number | null)[];
}

interface Column {
  index: number;
  name: string;
  isCounter: boolean;
}

export class TelemetryReader {
  readonly #fields: number;
  readonly #columns: readonly Column[];
  readonly #timeIndex: number;
  readonly #wallIndex: number;
  readonly #thinned: ThinnedSeries;
  #startedAt: string | null = null;
  #firstTimeS = 0;
  #before: { timeS: number; values: readonly number[] } | undefined;
  #samples = 0;

  private constructor(names: readonly string[], timeIndex: number, mostPoints: number) {
    this.#fields = names.length;
    this.#timeIndex = timeIndex;
    this.#wallIndex = names.indexOf(TELEMETRY_WALL_TIME);
    this.#columns = names
      .map((name, index) => ({ index, name, isCounter: describeTelemetryColumn(name).isCounter }))
      .filter(({ index }) => index !== timeIndex && index !== this.#wallIndex)
      .slice(0, MOST_COLUMNS);
    this.#thinned = new ThinnedSeries(this.#columns.length, mostPoints);
  }

  /** By the file's first line; undefined when it has no time that intervals could be taken from. */
  static begin(line: string, mostPoints: number): TelemetryReader | undefined {
    const names = line.split(',');
    const timeIndex = names.indexOf(TELEMETRY_TIME_S);
    return timeIndex < 0 ? undefined : new TelemetryReader(names, timeIndex, mostPoints);
  }

  get samples(): number {
    return this.#samples;
  }

  /** Left out: a line of more or fewer fields than the first (it was cut, or two ran together), or whose time is none or falls. */
  add(line: string): void {
    const fields = line.split(',', this.#fields + 1);
    if (fields.length !== this.#fields) return;
    const timeS = numberIn(fields[this.#timeIndex]);
    if (!Number.isFinite(timeS) || (this.#before && timeS < this.#before.timeS)) return;
    if (!this.#before) {
      this.#firstTimeS = timeS;
      this.#startedAt = timeIn(fields[this.#wallIndex]);
    }
    const values = this.#columns.map(({ index }) => numberIn(fields[index]));
    const shown = this.#columns.map(({ isCounter }, column) => {
      const value = values[column] ?? Number.NaN;
      return isCounter ? this.#growthPerS(column, value, timeS) : value;
    });
    this.#thinned.add(timeS - this.#firstTimeS, shown);
    this.#before = { timeS, values };
    this.#samples += 1;
  }

  end(): { startedAt: string | null; timesS: number[]; series: TelemetrySeries[]; samples: number } {
    const { x, values } = this.#thinned.points();
    const series = this.#columns.map(({ name, isCounter }, column) => {
      const { unit } = describeTelemetryColumn(name);
      return { name: name.slice(0, LONGEST_NAME), unit: isCounter ? `${unit}/s` : unit, values: values[column] ?? [] };
    });
    return { startedAt: this.#startedAt, timesS: x, series, samples: this.#samples };
  }

  /** NaN for the first, and where it was begun anew. */
  #growthPerS(column: number, value: number, timeS: number): number {
    const before = this.#before?.values[column] ?? Number.NaN;
    const spanS = timeS - (this.#before?.timeS ?? Number.NaN);
    return spanS > 0 && value >= before ? (value - before) / spanS : Number.NaN;
  }
}

function numberIn(field: string | undefined): number {
  return field === undefined || field.trim() === '' ? Number.NaN : Number(field);
}

function timeIn(field: string | undefined): string | null {
  const timeMs = Date.parse(field ?? '');
  return Number.isNaN(timeMs) ? null : new Date(timeMs).toISOString();
}
