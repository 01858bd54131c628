// GET /v1/episodes: the stored episodes, filtered, in order, a page at a time.

import { z } from 'zod';
import { formatWallTime } from '../../../lib/clock.ts';
import { episodesAnswerSchema } from '../../../protocol/answers.ts';
import { commitSchema } from '../../../protocol/commit.ts';
import { hostIdSchema } from '../../../protocol/ids.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import type { RouteTable } from '../route-table.ts';

const querySchema = z.object({
  host: hostIdSchema.optional(),
  commit: commitSchema.optional(),
  since: wallTime().meta({
    description: 'Stored at this time or later: RFC 3339, or a date, which begins at 00:00 UTC',
  }),
  until: wallTime().meta({ description: 'Stored before this time' }),
  cursor: z.coerce.number().int().nonnegative().default(0).meta({ description: 'The next_cursor of the page before' }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export function registerEpisodes(routes: RouteTable, { ledger }: RouteDependencies): void {
  routes.add(
    {
      method: 'get',
      path: '/v1/episodes',
      summary: 'The stored episodes, in the order in which they were stored',
      action: 'read-index',
      query: querySchema,
      answer: { status: 200, description: 'A page of them', schema: episodesAnswerSchema },
    },
    async ({ context, query: { host, cursor, limit, ...rest } }) => {
      const filter = Object.fromEntries(
        Object.entries({ hostId: host, ...rest }).filter(([, value]) => value !== undefined),
      );
      const { rows, nextAfterSeq } = await ledger.list(filter, cursor, limit);
      return context.json({ episodes: rows, next_cursor: nextAfterSeq === undefined ? null : String(nextAfterSeq) });
    },
  );
}

function wallTime() {
  return z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return undefined;
      try {
        return formatWallTime(Temporal.Instant.from(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00Z` : text));
      } catch {
        context.addIssue({
          code: 'custom',
          message: 'must be a time such as 2026-05-01T06:30:00Z, with its offset, or a date',
        });
        return z.NEVER;
      }
    });
}
