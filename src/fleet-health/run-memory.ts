// What one run leaves to the next, as one text. A damaged one is as none: everything can be read anew but when a host began to be
// expected, and how large quarantines were.

import { z } from 'zod';
import { ledgerMemorySchema } from './ledger-memory.ts';
import { quarantineSamplesSchema } from './quarantine-growth.ts';

const FORMAT_VERSION = 1;

const runMemorySchema = z.object({
  format_version: z.literal(FORMAT_VERSION),
  ledger: ledgerMemorySchema.optional().catch(undefined),
  /** Up to where alerts.jsonl was read. */
  alerts_mark: z.string().optional().catch(undefined),
  /** Host → since when it is expected, in milliseconds since 1970. */
  expected_since_ms: z.record(z.string(), z.number()).catch({}),
  quarantines: quarantineSamplesSchema.catch({}),
  /** For a run that cannot read who they are. */
  retired: z.array(z.string()).catch([]),
});
export type RunMemory = Omit<z.infer<typeof runMemorySchema>, 'format_version'>;

const NOTHING: RunMemory = { expected_since_ms: {}, quarantines: {}, retired: [] };

export function parseRunMemory(text: string | undefined): RunMemory {
  if (text === undefined) return NOTHING;
  try {
    const { format_version: _known, ...memory } = runMemorySchema.parse(JSON.parse(text));
    return memory;
  } catch {
    return NOTHING;
  }
}

export function formatRunMemory(memory: RunMemory): string {
  return JSON.stringify({ format_version: FORMAT_VERSION, ...memory });
}

/** A host that is expected for the first time is so from now on; so is one whose time lies ahead of a clock that was set back. */
export function expectedSince(
  before: Readonly<Record<string, number>>,
  expected: readonly string[],
  nowMs: number,
): Map<string, number> {
  return new Map(
    expected.map((host) => [host, Math.min(Object.hasOwn(before, host) ? (before[host] ?? nowMs) : nowMs, nowMs)]),
  );
}
