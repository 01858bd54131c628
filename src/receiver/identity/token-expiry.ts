// When a token ends, as a maintainer says it: after a while, at the end of a day, or at a time.

import { AppError } from '../../lib/app-error.ts';
import { formatWallTime } from '../../lib/clock.ts';
import { parseDurationMs } from '../../lib/config/duration.ts';

// A hundred years: beyond it somebody has mistyped, and dates end some day.
const LONGEST_MS = 36_500 * 86_400_000;

/** `90d`, `90 days`, `12 h`, `2026-12-31` (its end, in UTC) or RFC 3339, as a wall time. Throws `bad-input`. */
export function parseExpiry(text: string, now: Temporal.Instant): string {
  const instant = readDuration(text, now) ?? readDate(text) ?? readTime(text);
  const allowed = 'a while such as 90d or "12 h", a date such as 2026-12-31, or a time such as 2026-12-31T12:00:00Z';
  if (!instant) throw new AppError('bad-input', `--expires: found "${text}"; allowed: ${allowed}`);
  if (Temporal.Instant.compare(instant, now) <= 0) {
    throw new AppError('bad-input', `--expires: "${text}" is over already, at ${formatWallTime(instant)}`);
  }
  return formatWallTime(instant);
}

function readDuration(text: string, now: Temporal.Instant): Temporal.Instant | undefined {
  const ms = parseDurationMs(text.replace(/^([\d.]+) ?d$/, '$1 days'));
  return ms === undefined || ms > LONGEST_MS ? undefined : now.add({ milliseconds: Math.round(ms) });
}

function readDate(text: string): Temporal.Instant | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  try {
    return Temporal.PlainDate.from(text).add({ days: 1 }).toZonedDateTime('UTC').toInstant();
  } catch {
    return undefined;
  }
}

function readTime(text: string): Temporal.Instant | undefined {
  try {
    return Temporal.Instant.from(text);
  } catch {
    return undefined;
  }
}
