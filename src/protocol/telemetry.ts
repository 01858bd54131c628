// telemetry.csv, as `cis490 telemetry` writes it and as charts read it: the first line names the columns with their units.

export const TELEMETRY_FILE = 'telemetry.csv';
/** When each row was taken: by the wall clock, and in seconds of the monotonic one, with an arbitrary zero. */
export const TELEMETRY_WALL_TIME = 'time_wall';
export const TELEMETRY_TIME_S = 'time_monotonic_s';

export interface TelemetryColumn {
  /** Of the values as they stand in the file; empty for a plain number. */
  unit: '' | 's' | 'bytes' | '%';
  /** Grows from the boot of the machine on: what it says of a span is the difference. */
  isCounter: boolean;
}

const COUNTERS = /^(?:cpu|disk|net)_|_total_s$/;

/** By the name alone: other programs write columns of their own. */
export function describeTelemetryColumn(name: string): TelemetryColumn {
  const isCounter = COUNTERS.test(name);
  if (name.endsWith('_percent')) return { unit: '%', isCounter };
  if (name.endsWith('_bytes')) return { unit: 'bytes', isCounter };
  return { unit: name.endsWith('_s') ? 's' : '', isCounter };
}
