// /v1/silences: for a time nobody is told of a host, of a symptom, or of one at the other. What is so stays to be seen.

import { silenceSchema, silencesSchema } from '../../../protocol/answers.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import { endSilence, makeSilence } from '../../alerts/decide.ts';
import { describeSilence } from '../../alerts/describe-alert.ts';
import { newSilenceSchema } from '../../alerts/read-silence.ts';
import { nameOf } from '../../identity/principal.ts';
import { readJsonAs } from '../read-json.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerNothing, answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

export function registerSilences(routes: RouteTable, dependencies: RouteDependencies, alertBoard: AlertBoard): void {
  const { monitorState, clock, limits } = dependencies;
  const decisions = { ...dependencies, alertBoard };
  routes.add(
    {
      method: 'get',
      path: '/v1/silences',
      summary: 'The silences that hold, and those that ended within 30 days',
      action: 'read-alerts',
      answer: { status: 200, description: 'By their end', schema: silencesSchema },
      problems: ['database-busy'],
    },
    async ({ context }) => {
      const now = clock.wallTime();
      const silences = await monitorState.listSilences(now);
      return context.json({ silences: silences.map((silence) => describeSilence(silence, now)) });
    },
  );
  routes.add(
    {
      method: 'post',
      path: '/v1/silences',
      summary: 'Tell nobody of a host, of a symptom, or of one at the other, for a time',
      action: 'silence-alerts',
      body: { schema: newSilenceSchema, description: 'host or symptom or both, why, and how long' },
      answer: { status: 201, description: 'It holds', schema: silenceSchema },
      problems: ['bad-body', 'too-large', 'database-busy', 'disk-full'],
    },
    async ({ context, principal }) => {
      const read = await readJsonAs(context, limits.pace, newSilenceSchema);
      if (read.kind === 'refused') return read.answer;
      const made = await makeSilence(decisions, read.value, nameOf(principal));
      if (made.kind === 'bad') return answerProblem(context, 'bad-body', made.detail);
      return context.json(describeSilence(made.silence, made.silence.createdAt), 201);
    },
  );
  routes.add(
    {
      method: 'delete',
      path: '/v1/silences/{silence_id}',
      summary: 'End a silence now',
      action: 'silence-alerts',
      answer: { status: 204, description: 'It has ended' },
      problems: ['not-found', 'database-busy', 'disk-full'],
    },
    async ({ context, principal }) => {
      const id = context.req.param('silence_id') ?? '';
      if (!(await endSilence(decisions, id, nameOf(principal))))
        return answerProblem(context, 'not-found', 'no silence that still holds has this id');
      return answerNothing(context);
    },
  );
}
