// A store as a fleet of many hosts leaves it after months: a large ledger up to now, and all that is known of each host beside it.

import { join } from 'node:path';
import { formatWallTime, systemClock } from '../src/lib/clock.ts';
import { createLogger } from '../src/lib/logger.ts';
import type { AttemptIncrement } from '../src/storage/attempts.ts';
import type { AlertOfRun } from '../src/storage/monitor-state.ts';
import { openStorage, type Storage } from '../src/storage/open-storage.ts';
import { bigLedgerHost, writeBigLedger } from '../test/support/big-ledger.ts';
import { COMMIT } from './load-process.ts';

const ATTEMPT_EVERY_MIN = 5;
const DAY_MIN = 24 * 60;
// Of so many hosts one is not well.
const SICK_EVERY = 10;

/** Resolves when all of it is on the disk, and nothing has it open. */
export async function plantFleet(root: string, { rows, hosts }: { rows: number; hosts: number }): Promise<void> {
  const hostIds = Array.from({ length: hosts }, (_, index) => bigLedgerHost(index));
  const now = Temporal.Now.instant();
  const storage = await openStorage({
    root,
    logger: createLogger({
      level: 'error',
      form: 'terminal',
      clock: systemClock,
      write: (line) => process.stderr.write(line),
    }),
  });
  try {
    await plantReports(storage, hostIds);
    await plantAttempts(storage, hostIds, now);
    await plantAlerts(storage, hostIds, now);
  } finally {
    await storage.close();
  }
  // With the storage closed: it reads what it finds at its next start.
  await writeBigLedger({ path: join(root, 'index.jsonl'), rows, hosts, lastAtMs: now.epochMilliseconds });
}

async function plantReports({ hostState }: Storage, hostIds: readonly string[]): Promise<void> {
  const receivedAtWall = systemClock.wallTime();
  for (const [index, hostId] of hostIds.entries()) {
    const body = {
      host_id: hostId,
      sent_at_wall: receivedAtWall,
      machine: `machine-${hostId}`,
      boot_id: `boot-${hostId}`,
      version: { commit: COMMIT, dirty: false },
      backlog: { episodes: index % 7, bytes: 1_000_000, oldest_s: 60 * (index % 7) },
      held: null,
      quarantine: { episodes: 0, recent: null },
      recording: { last_episode: null, workloads: ['telemetry'] },
      free_bytes: 50_000_000_000,
      update: null,
    };
    await hostState.putHeartbeat({ hostId, machine: body.machine, bootId: body.boot_id, receivedAtWall, body });
    const checks = ['clock', 'disk', 'gate'].map((id) => ({
      id,
      status: isSick(index) ? 'red' : 'green',
      summary: 'so',
    }));
    const report = { status: isSick(index) ? 'red' : 'green', checks };
    await hostState.putReport(hostId, Buffer.from(JSON.stringify(report)));
  }
}

/** Each host tried every few minutes; what sick ones sent was refused. */
async function plantAttempts({ attempts }: Storage, hostIds: readonly string[], now: Temporal.Instant): Promise<void> {
  for (let minutesAgo = 0; minutesAgo < DAY_MIN; minutesAgo += ATTEMPT_EVERY_MIN) {
    const minute = formatWallTime(now.subtract({ minutes: minutesAgo })).slice(0, 16);
    await attempts.add(
      hostIds.map((hostId, index): AttemptIncrement => {
        return { hostId, minute, outcome: isSick(index) ? 'commit-not-in-window' : 'stored', count: 1 };
      }),
    );
  }
}

async function plantAlerts(
  { monitorState }: Storage,
  hostIds: readonly string[],
  now: Temporal.Instant,
): Promise<void> {
  const ranAt = formatWallTime(now);
  const alerts = hostIds
    .filter((_, index) => isSick(index))
    .map((host, index): AlertOfRun => {
      const id = index.toString(16).padStart(8, '0');
      const told = { detail: 'its doctor says red', suggestedFix: `ssh ${host} sudo cis490 doctor` };
      const decided = { goodRuns: 0, suppressedBy: null, silencedBy: null, notifiedAt: null };
      const since = { firstAt: ranAt, lastAt: ranAt, resolvedAt: null };
      return { id, host, symptom: 'unhealthy', severity: 'warning', state: 'firing', ...told, ...decided, ...since };
    });
  await monitorState.applyRun({ alerts, notifications: [], memory: '', ranAt, forgetResolvedBefore: '' });
}

function isSick(index: number): boolean {
  return index % SICK_EVERY === 0;
}
