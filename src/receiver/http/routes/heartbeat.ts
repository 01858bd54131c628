// POST /v1/heartbeat: what each shipper says of itself every five minutes. Never gated: a host on stale code must still be heard.

import { heartbeatSchema, MAX_HEARTBEAT_BYTES } from '../../../protocol/heartbeat.ts';
import { allows } from '../../identity/principal.ts';
import { readJsonAs } from '../read-json.ts';
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
      const read = await readJsonAs(context, limits.pace, heartbeatSchema, MAX_HEARTBEAT_BYTES);
      if (read.kind === 'refused') return read.answer;
      const { host_id: hostId, machine, boot_id: bootId } = read.value;
      if (!allows(principal, 'send-heartbeat', hostId)) {
        return answerProblem(context, 'forbidden', `this credential does not allow it for host ${hostId}`);
      }
      const heartbeat = { hostId, machine, bootId, receivedAtWall: clock.wallTime(), body: read.value };
      await hostState.putHeartbeat(heartbeat);
      fleet.heartbeat(heartbeat);
      return answerNothing(context);
    },
  );
}
