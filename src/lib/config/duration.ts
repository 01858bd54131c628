// Durations for keys that carry their unit, `_s` or `_days`: a bare number in that unit, or text with a unit of its own.

import { z } from 'zod';
import { addMistake } from './define-config.ts';
import { describeFound } from './describe-found.ts';

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['day', 86_400_000],
  ['days', 86_400_000],
]);
const TEXT_PATTERN = /^(\d+(?:\.\d+)?) ?([a-z]+)$/;

export interface DurationLimits {
  /** Zero is refused unless the key gives it a meaning. */
  zero?: 'allowed' | 'refused';
}

/** For a key ending in `_s`. Output: seconds, possibly fractional; at most 24 days. */
export function durationInSeconds(limits: DurationLimits = {}) {
  // Node's timers take a 32-bit count of milliseconds (24.8 days) and fire at once beyond it.
  return duration({
    unit: 's',
    unitName: 'seconds',
    most: 24 * 86_400,
    mostText: '24 days',
    example: '30 min',
    limits,
  });
}

/** For a key ending in `_days`. Output: days, possibly fractional. */
export function durationInDays(limits: DurationLimits = {}) {
  return duration({ unit: 'days', unitName: 'days', most: 36_500, mostText: '36500 days', example: '12 h', limits });
}

interface DurationKind {
  unit: 's' | 'days';
  unitName: string;
  most: number;
  mostText: string;
  example: string;
  limits: DurationLimits;
}

function duration({ unit, unitName, most, mostText, example, limits }: DurationKind) {
  const zeroAllowed = limits.zero === 'allowed';
  const range = `${zeroAllowed ? '0 or more' : 'more than 0'}, at most ${mostText}`;
  const allowed = `a number of ${unitName} or text such as "${example}" (ms, s, min, h, days); ${range}`;
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => {
      const amount = typeof value === 'number' ? value : parseDuration(value, unit);
      const inRange = amount !== undefined && amount <= most && (amount > 0 || (zeroAllowed && amount === 0));
      if (inRange) return amount;
      addMistake(context, describeFound(value), allowed);
      return z.NEVER;
    })
    .meta({ allowed });
}

function parseDuration(text: string, unit: 's' | 'days'): number | undefined {
  const ms = parseDurationMs(text);
  return ms === undefined ? undefined : ms / (unit === 's' ? 1000 : 86_400_000);
}

/** `2h`, `30 min`, `3 days` in milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const [, amount, name] = TEXT_PATTERN.exec(text.trim()) ?? [];
  const factor = UNIT_MS.get(name ?? '');
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}
