// POST /v1/ping: shows a host that its whole path to the receiver works, credential included. Writes nothing.

import { type PingAnswer, pingAnswerSchema } from '../../../protocol/answers.ts';
import { expiryOf, hostOf } from '../../identity/principal.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import type { RouteTable } from '../route-table.ts';

export function registerPing(routes: RouteTable, dependencies: RouteDependencies): void {
  routes.add(
    {
      method: 'post',
      path: '/v1/ping',
      summary: 'Check the path and the credential',
      action: 'ping',
      answer: { status: 200, description: 'The receiver heard it', schema: pingAnswerSchema },
    },
    ({ context, principal }) => {
      const { gate, clock, version } = dependencies;
      const answer: PingAnswer = {
        ok: true,
        host_id: hostOf(principal),
        expires_at: expiryOf(principal),
        server_time: clock.wallTime(),
        version,
        gate: { enabled: gate.enabled, head: gate.head() },
      };
      return context.json(answer);
    },
  );
}
