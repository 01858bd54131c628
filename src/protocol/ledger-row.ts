// One row of index.jsonl, the ledger: one stored episode. Rows of an older receiver lack the fields marked optional.

import { z } from 'zod';

const gateDecisionSchema = z.union([
  z.object({ head: z.string().nullable(), source: z.string() }),
  z.enum(['recovered', 'disabled']),
]);
export type GateDecision = z.infer<typeof gateDecisionSchema>;

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
  dirty: z.boolean().optional(),
  gate: gateDecisionSchema.optional(),
});
export type LedgerRow = z.infer<typeof fields>;
/** Unknown fields are kept: a reader of today must not lose what a writer of tomorrow adds. */
export const ledgerRowSchema = fields.loose();
/** A row as readers get it: one of an older receiver has been given its line number. */
export type SequencedRow = LedgerRow & { seq: number };
