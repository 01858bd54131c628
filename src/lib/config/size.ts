// Sizes in bytes: text with a binary (KiB) or decimal (KB) unit; a bare number only where the key's name says `_bytes`.

import { z } from 'zod';
import { addMistake } from './define-config.ts';
import { describeFound } from './describe-found.ts';

const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
]);
const TEXT_PATTERN = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/;
const TEXT_ALLOWED = 'text such as "4 GiB" or "500 MB" (B, KB, MB, GB, TB, KiB, MiB, GiB, TiB)';

/** For a key whose name carries no unit: text alone. Output: bytes, a whole number. */
export function size() {
  return z.string().transform(bytesOf(TEXT_ALLOWED)).meta({ allowed: TEXT_ALLOWED });
}

/** For a key ending in `_bytes`: a bare number of bytes, or text with a unit. Output: bytes, a whole number, at least 1. */
export function sizeInBytes() {
  const allowed = `a whole number of bytes, 1 or more, or ${TEXT_ALLOWED}`;
  return z.union([z.number(), z.string()]).transform(bytesOf(allowed, 1)).meta({ allowed });
}

function bytesOf(allowed: string, least = 0) {
  return (value: number | string, context: z.core.$RefinementCtx): number => {
    const bytes = typeof value === 'number' ? value : parseSize(value);
    if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= least) return bytes;
    addMistake(context, describeFound(value), allowed);
    return z.NEVER;
  };
}

/** Text such as `"2 MiB/s"`. Output: bytes per second, at least 1. */
export function bandwidth() {
  const allowed = 'text such as "2 MiB/s" (B, KB, MB, GB, KiB, MiB, GiB, each with /s)';
  return z
    .string()
    .transform((text, context) => {
      const bytesPerS = parseRate(text);
      if (bytesPerS !== undefined) return bytesPerS;
      addMistake(context, describeFound(text), allowed);
      return z.NEVER;
    })
    .meta({ allowed });
}

/** `"50 MiB/s"` as bytes per second; undefined for anything else, and for nothing at all a second. */
export function parseRate(text: string): number | undefined {
  const [, amount] = /^(.*)\/s$/.exec(text.trim()) ?? [];
  const bytes = amount === undefined ? undefined : parseSize(amount);
  return bytes === undefined || bytes < 1 ? undefined : bytes;
}

function parseSize(text: string): number | undefined {
  const [, amount, name] = TEXT_PATTERN.exec(text.trim()) ?? [];
  const factor = UNIT_BYTES.get(name ?? '');
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor);
}
