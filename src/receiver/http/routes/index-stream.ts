// GET /v1/index: the ledger as NDJSON, streamed; with follow=1 it stays open and brings each line once it is durable.

import { z } from 'zod';
import { indexRowSchema, indexTombstoneSchema } from '../../../protocol/answers.ts';
import type { Ledger } from '../../../storage/ledger.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';
import { streamAnswer } from '../stream-answer.ts';

const PAGE_ROWS = 500;
const MOST_FOLLOWERS = 64;

const querySchema = z.object({
  after: z.coerce.number().int().nonnegative().default(0).meta({ description: 'Only what has a higher seq' }),
  follow: z.enum(['0', '1']).default('0').meta({ description: '1 keeps the answer open for what comes later' }),
});

export function registerIndex(routes: RouteTable, { ledger, stopping }: RouteDependencies): void {
  let followers = 0;
  routes.add(
    {
      method: 'get',
      path: '/v1/index',
      summary: 'The ledger: one row per stored episode, and one per retraction',
      action: 'read-index',
      query: querySchema,
      answer: {
        status: 200,
        description: 'One JSON object a line, in order of seq',
        schema: z.union([indexRowSchema, indexTombstoneSchema]),
        contentType: 'application/x-ndjson',
      },
      problems: ['too-many-followers'],
    },
    async ({ context, query: { after, follow } }) => {
      const follows = follow === '1' && context.req.method === 'GET';
      if (follows && followers >= MOST_FOLLOWERS) {
        return answerProblem(context, 'too-many-followers', `${MOST_FOLLOWERS} follow it already`);
      }
      if (follows) followers += 1;
      const left = new AbortController();
      context.env.outgoing.once('close', () => left.abort());
      const end = AbortSignal.any([stopping, left.signal]);
      try {
        const headers = { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' };
        return await streamAnswer(context, 200, headers, linesOf(ledger, after, follows, end));
      } finally {
        if (follows) followers -= 1;
      }
    },
  );
}

async function* linesOf(ledger: Ledger, after: number, follows: boolean, end: AbortSignal): AsyncGenerator<string> {
  for (let readTo = after; !end.aborted; ) {
    const entries = await ledger.read(readTo, PAGE_ROWS);
    const last = entries.at(-1);
    if (last) {
      readTo = last.seq;
      yield entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    } else if (follows) {
      await ledger.waitAfter(readTo, end);
    } else {
      return;
    }
  }
}
