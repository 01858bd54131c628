// Success answers of the contract.

import { z } from 'zod';

export const pingAnswerSchema = z.object({
  ok: z.literal(true),
  host_id: z.string().nullable(),
  server_time: z.string(),
  version: z.string().nullable(),
  gate: z.object({ enabled: z.boolean(), head: z.string().nullable() }),
});

/** The 201 and the 200 of an episode PUT. */
export interface StoredAnswer {
  status: 'stored' | 'duplicate';
  host_id: string;
  episode_id: string;
  sha256: string;
  bytes: number;
  received_at_wall: string;
  seq: number;
}
