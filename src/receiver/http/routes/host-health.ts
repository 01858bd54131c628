// /v1/host-health: each host's last doctor report, kept and given back as it was sent. Never gated: a sick host must be heard.

import { z } from 'zod';
import { AppError } from '../../../lib/app-error.ts';
import { hostHealthListSchema, hostHealthSchema, hostHealthStoredSchema } from '../../../protocol/answers.ts';
import type { HealthReport, HostState } from '../../../storage/host-state.ts';
import { readJsonObject } from '../read-json.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';
import { streamAnswer } from '../stream-answer.ts';

const MAX_REPORT_BYTES = 1024 * 1024;
const JSON_TYPE = { 'Content-Type': 'application/json' };

export function registerHostHealth(routes: RouteTable, { hostState, fleet, limits }: RouteDependencies): void {
  routes.add(
    {
      method: 'put',
      path: '/v1/host-health/{host_id}',
      summary: "Store a host's doctor report in place of the one before",
      action: 'write-host-health',
      body: { schema: z.looseObject({}), description: `Any JSON object of at most ${MAX_REPORT_BYTES} bytes` },
      answer: { status: 200, description: 'Stored', schema: hostHealthStoredSchema },
      problems: ['bad-host-id', 'bad-body', 'too-large', 'disk-full'],
    },
    async ({ context, hostId }) => {
      const read = await readJsonObject(context, limits.pace, MAX_REPORT_BYTES);
      if (read.kind === 'refused') return read.answer;
      const { receivedAtWall } = await hostState.putReport(hostId, read.bytes);
      fleet.report(hostId, read.bytes, receivedAtWall);
      return context.json({ host_id: hostId, received_at_wall: receivedAtWall });
    },
  );
  routes.add(
    {
      method: 'get',
      path: '/v1/host-health',
      summary: 'The last doctor report of every host',
      action: 'read-host-health',
      answer: { status: 200, description: 'By host', schema: hostHealthListSchema },
    },
    ({ context }) => streamAnswer(context, 200, JSON_TYPE, listOf(hostState)),
  );
  routes.add(
    {
      method: 'get',
      path: '/v1/host-health/{host_id}',
      summary: 'The last doctor report of one host',
      action: 'read-host-health',
      answer: { status: 200, description: 'The report', schema: hostHealthSchema },
      problems: ['bad-host-id', 'not-found'],
    },
    async ({ context, hostId }) => {
      const report = await hostState.getReport(hostId).catch((error: unknown) => damageOf(error));
      if (report instanceof AppError)
        return answerProblem(context, 'internal-error', `${report.message}; ${report.hint}`);
      if (!report) return answerProblem(context, 'not-found', `host ${hostId} has never sent a doctor report`);
      return new Response(reportText(report), { headers: JSON_TYPE });
    },
  );
}

/** What whoever asks can mend; anything else is for the log. */
function damageOf(error: unknown): AppError {
  if (error instanceof AppError && error.code === 'report-damaged') return error;
  throw error;
}

/** One report in memory at a time: a thousand of a megabyte each are a gigabyte. */
async function* listOf(hostState: HostState): AsyncGenerator<string> {
  yield '{"hosts":{';
  let separator = '';
  for await (const report of hostState.listReports()) {
    yield `${separator}${JSON.stringify(report.hostId)}:${reportText(report)}`;
    separator = ',';
  }
  yield '}}\n';
}

/** The report stays the text that the host sent. */
function reportText({ receivedAtWall, content }: HealthReport): string {
  return `{"received_at_wall":${JSON.stringify(receivedAtWall)},"report":${Buffer.from(content).toString('utf8')}}`;
}
