// The samples of a telemetry episode as series for charts, thinned to a number of points that keeps each peak. Bounded in bytes, memory
// and time, whatever the file is.

import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { TELEMETRY_FILE } from '../../protocol/telemetry.ts';
import { type InspectLimits, walkWithinLimits } from './inspect-limits.ts';
import { TelemetryReader, type TelemetrySeries } from './telemetry-reader.ts';

const LONGEST_LINE = 64 * 1024;
// A day at two in each second, and some.
const MOST_SAMPLES = 200_000;
// Others get their turn in between.
const LINES_IN_A_TURN = 256;

export interface Telemetry {
  /** Of the first sample, ISO 8601 in UTC; null when the file does not say. */
  startedAt: string | null;
  /** Seconds since the first sample, ascending. */
  timesS: number[];
  /** Each has as many values as there are times. */
  series: TelemetrySeries[];
  /** How many the points were made from. */
  samples: number;
  /** False when not all of it was read: the tarball is damaged, or has more than the limits allow. */
  isWhole: boolean;
}

/** `path`: below the episode's directory. */
export function isTelemetryFile(path: string): boolean {
  return path === TELEMETRY_FILE || path.endsWith(`/${TELEMETRY_FILE}`);
}

/**
 * `tarball`: a .tar.zst from its beginning; it is closed when this resolves. Null when there is no telemetry in it, or none that can be
 * read. Never rejects for what is in it.
 */
export async function readTelemetry(
  tarball: Readable,
  mostPoints: number,
  limits: InspectLimits = {},
): Promise<Telemetry | null> {
  let reader: TelemetryReader | undefined;
  let isWhole = true;
  try {
    for await (const { path, content } of walkWithinLimits(tarball, limits)) {
      if (!isTelemetryFile(path)) continue;
      for await (const line of linesOf(content)) {
        if (reader && reader.samples >= MOST_SAMPLES) throw new RangeError(`more than ${MOST_SAMPLES} samples`);
        if (reader) reader.add(line);
        else {
          reader = TelemetryReader.begin(line, mostPoints);
          if (!reader) return null;
        }
      }
      break;
    }
  } catch {
    isWhole = false;
  }
  return reader ? { ...reader.end(), isWhole } : null;
}

/** Throws `RangeError` for a line that is none. */
async function* linesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let count = 0;
  for await (const chunk of content) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new RangeError('the line is too long');
    for (const line of lines) {
      count += 1;
      if (count % LINES_IN_A_TURN === 0) await setImmediate();
      yield line.replace(/\r$/, '');
    }
  }
  // A last line without its end is one that was cut.
}
