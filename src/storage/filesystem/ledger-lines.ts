// Lines of index.jsonl as numbered entries. Any bytes are a ledger: what is no entry is counted and passed over.

import { parseJson } from '../../lib/parse-json.ts';
import {
  type LedgerEntry,
  type LedgerRow,
  ledgerRowSchema,
  type Tombstone,
  tombstoneSchema,
} from '../../protocol/ledger-row.ts';

// A number above this in a line is nobody's count: going on from it would soon leave the integers that JSON readers agree on.
const MAX_SEQ = 2 ** 52;

/** How many lines lie before, and the highest seq among them. */
export interface LineCount {
  lines: number;
  lastSeq: number;
}

export interface SequencedLines extends LineCount {
  entries: LedgerEntry[];
  badLines: number;
}

/**
 * The entries of lines that follow those of `before`. One of an older receiver counts by its line; whatever a hand wrote, seq rises
 * in the order of the file.
 */
export function sequenceLines(texts: readonly string[], before: LineCount): SequencedLines {
  let { lines, lastSeq } = before;
  let badLines = 0;
  const entries: LedgerEntry[] = [];
  for (const text of texts) {
    lines += 1;
    const entry = parseLine(text);
    if (!entry) {
      if (text.trim() !== '') badLines += 1;
      continue;
    }
    lastSeq = Math.max(seqOf(entry) ?? lines, lastSeq + 1);
    entries.push({ ...entry, seq: lastSeq });
  }
  return { entries, badLines, lines, lastSeq };
}

function parseLine(line: string): LedgerRow | Tombstone | undefined {
  const value = parseJson(line);
  return ledgerRowSchema.safeParse(value).data ?? tombstoneSchema.safeParse(value).data;
}

function seqOf({ seq }: LedgerRow | Tombstone): number | undefined {
  return seq !== undefined && seq <= MAX_SEQ ? seq : undefined;
}
