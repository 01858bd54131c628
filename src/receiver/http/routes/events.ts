// GET /v1/events: what changes, as server-sent events, for pages that keep themselves up to date.

import { z } from 'zod';
import { MOST_LISTENERS } from '../../events/live-events.ts';
import { allows } from '../../identity/principal.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';
import { streamAnswer } from '../stream-answer.ts';

const HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' };

export function registerEvents(routes: RouteTable, dependencies: RouteDependencies): void {
  const { live, stopping } = dependencies;
  routes.add(
    {
      method: 'get',
      path: '/v1/events',
      summary: 'What changes, as server-sent events',
      description:
        'Events hosts and stored (with the ids of the hosts, or null for too many to name), alerts, gate, and tick once a minute; at most two a second of each. They say what to look at anew, not what is there now.',
      action: 'read-dashboard',
      answer: {
        status: 200,
        description: 'Open until the reader leaves, the receiver stops, or the credential ends',
        schema: z.string(),
        contentType: 'text/event-stream',
      },
      problems: ['too-many-followers'],
    },
    async ({ context }) => {
      const left = new AbortController();
      try {
        if (context.req.method === 'HEAD') return await streamAnswer(context, 200, HEADERS, nothing());
        context.env.outgoing.once('close', () => left.abort());
        const events = live.listen(AbortSignal.any([stopping, left.signal]));
        if (!events) return answerProblem(context, 'too-many-followers', `${MOST_LISTENERS} listen already`);
        const mayRead = async () => {
          const now = await dependencies.authenticator.authenticate(context.env.incoming);
          return now.kind === 'known' && allows(now.principal, 'read-dashboard');
        };
        return await streamAnswer(context, 200, HEADERS, whileAllowed(events, mayRead));
      } finally {
        left.abort();
      }
    },
  );
}

/** A stream may last for weeks: whether its reader still may read is asked anew before each message, at least four times a minute. */
async function* whileAllowed(events: AsyncIterable<string>, mayRead: () => Promise<boolean>): AsyncGenerator<string> {
  for await (const text of events) {
    if (!(await mayRead())) return;
    yield text;
  }
}

async function* nothing(): AsyncGenerator<string> {}
