// GET /v1/index: the ledger as NDJSON, streamed; with follow=1 it stays open and brings each line once it is durable.

import { z } from 'zod';
import { indexRowSchema, indexTombstoneSchema } from '../../../protocol/answers.ts';
import type { Ledger } from '../../../storage/ledger.ts';
import { allows } from '../../identity/principal.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';
import { streamAnswer } from '../stream-answer.ts';

const PAGE_ROWS = 500;
const MOST_FOLLOWERS = 64;
const ASK_AGAIN_MS = 60_000;

const querySchema = z.object({
  after: z.coerce.number().int().nonnegative().default(0).meta({ description: 'Only what has a higher seq' }),
  follow: z.enum(['0', '1']).default('0').meta({ description: '1 keeps the answer open for what comes later' }),
});

export function registerIndex(routes: RouteTable, dependencies: RouteDependencies): void {
  const { ledger, stopping } = dependencies;
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
      const mayRead = async () => {
        const now = await dependencies.authenticator.authenticate(context.env.incoming);
        return now.kind === 'known' && allows(now.principal, 'read-index');
      };
      try {
        const headers = { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' };
        return await streamAnswer(context, 200, headers, linesOf(ledger, after, { follows, end, mayRead }));
      } finally {
        if (follows) followers -= 1;
      }
    },
  );
}

/** A stream may last for weeks: whether its reader still may read is asked anew all the while. */
async function* linesOf(
  ledger: Ledger,
  after: number,
  { follows, end, mayRead }: { follows: boolean; end: AbortSignal; mayRead: () => Promise<boolean> },
): AsyncGenerator<string> {
  for (let readTo = after; !end.aborted; ) {
    const entries = await ledger.read(readTo, PAGE_ROWS);
    const last = entries.at(-1);
    if (last) {
      readTo = last.seq;
      // It may have been long in coming: what is told from now on is for who may read now.
      if (!(await mayRead())) return;
      yield entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    } else if (follows && (await mayRead())) {
      await ledger.waitAfter(readTo, AbortSignal.any([end, AbortSignal.timeout(ASK_AGAIN_MS)]));
    } else {
      return;
    }
  }
}
