// POST /v1/heartbeat: what each shipper says of itself every five minutes. Never gated: a host on stale code must still be heard.

import { heartbeatSchema, MAX_HEARTBEAT_BYTES } from '../../../protocol/heartbeat.ts';
import { allows } from '../../identity/principal.ts';
import { explainMistakes } from '../explain-mistakes.ts';
import { readJsonObject } from '../read-json.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerNothing, answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

export function registerHeartbeat(routes: RouteTable, { hostState, fleet, clock, limits }: RouteDependencies): void {
  routes.add(
    {
      method: 'post',
      path: '/v1/heartbeat',
      summary: 'Say how a host is',
      action: 'send-heartbeat',
      body: { schema: heartbeatSchema, description: `At most ${MAX_HEARTBEAT_BYTES} bytes` },
      answer: { status: 204, description: 'Heard' },
      problems: ['bad-body', 'too-large', 'disk-full'],
    },
    async ({ context, principal }) => {
      const read = await readJsonObject(context, limits.pace, MAX_HEARTBEAT_BYTES);
      if (read.kind !== 'object') return read.answer;
      const parsed = heartbeatSchema.safeParse(read.value);
      if (!parsed.success) return answerProblem(context, 'bad-body', explainMistakes(parsed.error));
      const { host_id: hostId, machine, boot_id: bootId } = parsed.data;
      if (!allows(principal, 'send-heartbeat', hostId)) {
        return answerProblem(context, 'forbidden', `this credential does not allow it for host ${hostId}`);
      }
      const heartbeat = { hostId, machine, bootId, receivedAtWall: clock.wallTime(), body: parsed.data };
      await hostState.putHeartbeat(heartbeat);
      fleet.heartbeat(heartbeat);
      return answerNothing(context);
    },
  );
}
