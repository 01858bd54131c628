// The doctor reports of all hosts, of which only the verdict and the ids of known checks are taken: the rest is the hosts' own word.

import { z } from 'zod';
import { CHECK_STATUSES } from '../lib/self-check/check-result.ts';
import { DOCTOR_CHECKS } from '../protocol/doctor-checks.ts';
import type { HostStateReader } from '../storage/host-state.ts';
import type { SeenReport } from './observed.ts';
import { parseTimeMs } from './parse-time.ts';

const MOST_CHECKS = 100;

// Of any version, and of any other doctor: what is missing is not said.
const reportSchema = z.object({
  status: z.enum(CHECK_STATUSES).catch('unknown'),
  // Cut first: to say what is wrong with a million of them would take seconds.
  checks: z.preprocess(
    (all) => (Array.isArray(all) ? all.slice(0, MOST_CHECKS) : []),
    z.array(
      z
        .object({ id: z.string(), status: z.enum(CHECK_STATUSES) })
        .nullable()
        .catch(null),
    ),
  ),
});

/** Throws `cannot-read`. */
export async function readReports(hostState: Pick<HostStateReader, 'listReports'>): Promise<Map<string, SeenReport>> {
  const reports = new Map<string, SeenReport>();
  for await (const { hostId, receivedAtWall, content } of hostState.listReports()) {
    const receivedAtMs = parseTimeMs(receivedAtWall);
    if (receivedAtMs !== undefined) reports.set(hostId, { receivedAtMs, ...verdictIn(content) });
  }
  return reports;
}

function verdictIn(content: Uint8Array): Pick<SeenReport, 'status' | 'redChecks'> {
  try {
    const { status, checks } = reportSchema.parse(JSON.parse(new TextDecoder().decode(content)));
    const red = checks.flatMap((check) => (check?.status === 'red' ? [check.id] : []));
    return { status, redChecks: [...new Set(red)].filter((id) => Object.hasOwn(DOCTOR_CHECKS, id)) };
  } catch {
    return { status: 'unknown', redChecks: [] };
  }
}
