// One line of index.jsonl, the ledger: a stored episode, or the tombstone of one that was retracted. Rows of an older receiver lack
// the fields marked optional.

import { z } from 'zod';

/** Why the gate let it in: what it knew then, that the maintainer had allowed the commit, that it was off, or that the row was completed after a crash. */
export type GateDecision = { head: string | null; source: string } | 'override' | 'recovered' | 'disabled';

const fields = z.object({
  host_id: z.string(),
  episode_id: z.string(),
  received_at_wall: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  path: z.string(),
  schema_version: z.union([z.string(), z.number()]).nullish(),
  commit: z.string().nullish(),
  seq: z.int().positive().optional(),
  dirty: z.boolean().nullish(),
  // Forms that a later receiver may add are no reason to lose the row.
  gate: z.union([z.string(), z.looseObject({})]).optional(),
});
export type LedgerRow = z.infer<typeof fields>;
/** Unknown fields are kept: a reader of today must not lose what a writer of tomorrow adds. */
export const ledgerRowSchema = fields.loose();
/** A row as readers get it: one of an older receiver has been given its line number. */
export type SequencedRow = LedgerRow & { seq: number };

const tombstoneFields = z.object({
  host_id: z.string(),
  episode_id: z.string(),
  retracted_at_wall: z.string(),
  reason: z.string(),
  by: z.string(),
  seq: z.int().positive().optional(),
});
export type Tombstone = z.infer<typeof tombstoneFields>;
export const tombstoneSchema = tombstoneFields.loose();
export type SequencedTombstone = Tombstone & { seq: number };

/** What a reader of the ledger meets. */
export type LedgerEntry = SequencedRow | SequencedTombstone;

/** A row may carry any field that is not known here; a tombstone has no time of receipt. */
export function isTombstone(entry: LedgerEntry): entry is SequencedTombstone {
  return 'retracted_at_wall' in entry && !('received_at_wall' in entry);
}
