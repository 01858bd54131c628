// cis490 telemetry: samples this machine's counters on a fixed grid into telemetry.csv, each row written as it is taken.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '../../lib/app-error.ts';
import { type Clock, sleepUntil } from '../../lib/clock.ts';
import { TELEMETRY_FILE, TELEMETRY_TIME_S, TELEMETRY_WALL_TIME } from '../../protocol/telemetry.ts';
import { readSample } from './read-sample.ts';

export interface TelemetryOptions {
  /** Seconds from the first sample to the last; above 0. */
  durationS: number;
  /** Samples a second; above 0, at most 1,000. */
  ratePerS: number;
  /** Where `telemetry.csv` is made; it must not be there yet. */
  outputDirectory: string;
  /** `/proc`, or a directory with files of its format. */
  procRoot: string;
  /** Ends it early: what was taken so far is a whole file. */
  stop: AbortSignal;
  clock: Clock;
}

/**
 * Samples at the start and then every 1/rate seconds of the monotonic clock up to and including `durationS`, so that the
 * first and last row span it. The grid does not drift: a late sample is taken late, one that was missed is left out. The
 * first row of the file names the columns with their units; `time_monotonic_s` has an arbitrary zero.
 *
 * Returns 0, also when stopped. Throws `telemetry-bad-range`, `telemetry-exists`, `proc-unreadable`, `proc-malformed`, or
 * the system's error when the file cannot be written.
 */
export async function runTelemetry(options: TelemetryOptions): Promise<number> {
  const { durationS, ratePerS, stop, clock } = options;
  checkRange(durationS, ratePerS);
  const file = await createFile(join(options.outputDirectory, TELEMETRY_FILE));
  try {
    const periodMs = 1000 / ratePerS;
    // The small addition undoes the rounding of products such as 0.3 × 10.
    const lastIndex = Math.floor(durationS * ratePerS + 1e-9);
    const startMs = clock.monotonicMs();
    let header: string[] | undefined;
    for (let index = 0; index <= lastIndex; index += 1) {
      await sleepUntil(clock, startMs + index * periodMs, stop);
      if (stop.aborted && header) break;
      const nowMs = clock.monotonicMs();
      index = Math.min(lastIndex, Math.max(index, Math.floor((nowMs - startMs) / periodMs)));
      const row: Record<string, string | number> = {
        [TELEMETRY_WALL_TIME]: clock.wallTime(),
        [TELEMETRY_TIME_S]: Math.round(nowMs * 1000) / 1_000_000,
        ...(await readSample(options.procRoot)),
      };
      if (!header) {
        header = Object.keys(row);
        await file.appendFile(`${header.join(',')}\n`);
      }
      await file.appendFile(`${header.map((name) => row[name] ?? '').join(',')}\n`);
    }
  } finally {
    await file.close();
  }
  return 0;
}

function checkRange(durationS: number, ratePerS: number): void {
  const isDuration = Number.isFinite(durationS) && durationS > 0;
  if (isDuration && ratePerS > 0 && ratePerS <= 1000) return;
  throw new AppError('telemetry-bad-range', `cannot sample for ${durationS} s at ${ratePerS} samples a second`, {
    hint: 'give a duration above 0 and a rate above 0 and at most 1000: cis490 telemetry --duration 60 --rate 1',
  });
}

async function createFile(path: string) {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    throw new AppError('telemetry-exists', `${path} already exists and is not overwritten`, {
      hint: `move it away, or run in another directory: ls -l ${path}`,
      cause: error,
    });
  }
}
