// GET /v1/version-gate: what the gate knows, and with ?commit= what it would say to a PUT now.

import { z } from 'zod';
import { type GateVerdictAnswer, gateStatusSchema, gateVerdictSchema } from '../../../protocol/answers.ts';
import { hostOf } from '../../identity/principal.ts';
import { gateRefusal } from '../../ingest/check-episode.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import type { RouteTable } from '../route-table.ts';

const querySchema = z.object({
  commit: z.string().optional().meta({ description: 'The commit to judge, in full' }),
  dirty: z.enum(['0', '1']).default('0').meta({ description: '1 for a modified tree' }),
});

export function registerVersionGate(routes: RouteTable, dependencies: RouteDependencies): void {
  routes.add(
    {
      method: 'get',
      path: '/v1/version-gate',
      summary: 'What the gate knows, or its verdict on one commit',
      action: 'read-gate',
      query: querySchema,
      answer: {
        status: 200,
        description: 'The verdict where a commit is asked for, else the state of the gate',
        schema: z.union([gateStatusSchema, gateVerdictSchema]),
      },
    },
    async ({ context, query, principal }) => {
      const { gate } = dependencies;
      if (query.commit === undefined) {
        const { refreshedAt, lastError, ...status } = await gate.status();
        return context.json({ ...status, refreshed_at: refreshedAt, last_error: lastError });
      }
      const remediation = dependencies.remediationFor(hostOf(principal));
      return context.json(await verdictOn(query.commit, query.dirty === '1', dependencies, remediation));
    },
  );
}

async function verdictOn(
  commit: string,
  dirty: boolean,
  { gate }: RouteDependencies,
  remediation: string,
): Promise<GateVerdictAnswer> {
  const verdict = await gate.judge({ commit, dirty });
  if (verdict.kind === 'accepted') {
    const { decision } = verdict;
    const source = typeof decision === 'string' ? decision : decision.source;
    const distance = gate.distanceOf(verdict.commit ?? '');
    return {
      verdict: 'accepted',
      your_commit: commit,
      source,
      head_commit: gate.head(),
      ...(distance !== null && { head_distance: distance }),
    };
  }
  if (verdict.kind === 'cannot-know') {
    return { verdict: 'unknown', your_commit: commit, code: verdict.code, head_commit: gate.head() };
  }
  const { code, extras = {} } = gateRefusal(verdict, remediation);
  const { head_commit = null, head_distance } = extras;
  return {
    verdict: 'refused',
    your_commit: commit,
    code,
    head_commit,
    remediation,
    ...(head_distance !== undefined && { head_distance }),
  };
}
