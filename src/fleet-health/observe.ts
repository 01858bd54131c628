// Reads all sources of one run, each for itself: what fails is told by one WARNING that names what is skipped for it, and the rest is read.

import { AppError, messageOf } from '../lib/app-error.ts';
import type { Logger } from '../lib/logger.ts';
import { DETECTORS } from './detect/detectors.ts';
import { freshHeartbeats } from './heartbeat-facts.ts';
import { readLedger } from './ledger-memory.ts';
import type { Observed, Source, UpdateCommands } from './observed.ts';
import type { RunSources } from './open-sources.ts';
import { growQuarantines } from './quarantine-growth.ts';
import { readReports } from './read-reports.ts';
import { expectedSince, type RunMemory } from './run-memory.ts';
import type { Thresholds } from './thresholds.ts';

export interface ObserveOptions {
  sources: RunSources;
  remembered: RunMemory;
  nowMs: number;
  thresholds: Thresholds;
  expectedHosts: readonly string[];
  updateCommands: UpdateCommands;
  logger: Logger;
}

export interface FailedSource {
  source: Source;
  reason: string;
  hint: string | undefined;
  /** What rests on it. */
  symptoms: readonly string[];
}

export interface Observation {
  observed: Observed;
  failed: readonly FailedSource[];
  /** What is to be remembered of what was read. */
  memory: RunMemory;
}

export async function observe(options: ObserveOptions): Promise<Observation> {
  const { sources, remembered, nowMs, thresholds, expectedHosts, updateCommands, logger } = options;
  const failed: FailedSource[] = [];
  const tryRead = async <T>(source: Source, read: (() => Promise<T>) | undefined): Promise<T | undefined> => {
    try {
      return await read?.();
    } catch (error) {
      failed.push(tellFailed(source, error, logger));
      return undefined;
    }
  };
  const { hostState } = sources;

  const ledger = await tryRead('ledger', () =>
    readLedger({ reader: sources.ledger, remembered: remembered.ledger, nowUs: Math.round(nowMs * 1000) }),
  );
  if (ledger && ledger.badLines > 0) {
    logger.warn({ lines: ledger.badLines }, 'the ledger has lines that are no rows; left out (cis490 index verify)');
  }
  const attempts = await tryRead('attempts', () => sources.attempts(nowMs, thresholds.recent_window_min));
  const listed = await tryRead('heartbeats', hostState && (() => hostState.listHeartbeats()));
  const heartbeats = listed && Map.groupBy(listed, ({ hostId }) => hostId);
  const reports = await tryRead('reports', hostState && (() => readReports(hostState)));
  const gate = await tryRead('gate', sources.gate);
  const receiver = await tryRead('receiver', sources.receiver);

  const retired = await readRetired(sources, remembered.retired, logger);
  const since = expectedSince(remembered.expected_since_ms, expectedHosts, nowMs);
  const quarantined = freshHeartbeats({ heartbeats, nowMs, thresholds }).flatMap(({ host, quarantine }) =>
    quarantine?.episodes === undefined ? [] : [[host, quarantine.episodes] as const],
  );
  const { growth, samples } = growQuarantines(remembered.quarantines, new Map(quarantined), nowMs);
  return {
    observed: {
      nowMs,
      thresholds,
      ledger: ledger?.hosts,
      attempts,
      heartbeats,
      reports,
      gate,
      receiver,
      expectedSinceMs: since,
      retired,
      quarantineGrowth: growth,
      updateCommands,
    },
    failed,
    memory: {
      // An unreadable ledger is the same one again, or its mark will tell that it is not.
      ledger: ledger ? ledger.memory : remembered.ledger,
      alerts_mark: remembered.alerts_mark,
      expected_since_ms: Object.fromEntries(since),
      quarantines: samples,
      retired: [...retired],
    },
  };
}

function tellFailed(source: Source, error: unknown, logger: Logger): FailedSource {
  const symptoms = DETECTORS.filter(({ rests }) => rests.includes(source)).map(({ symptom }) => symptom);
  const reason = messageOf(error);
  const hint = error instanceof AppError ? error.hint : undefined;
  logger.warn({ source, reason, next: hint }, `skipped ${symptoms.join(', ')}: ${source} could not be read`);
  return { source, reason, hint, symptoms };
}

/** Those of the run before stand in for what cannot be read. */
async function readRetired(
  { retiredHosts }: RunSources,
  remembered: readonly string[],
  logger: Logger,
): Promise<Set<string>> {
  try {
    return new Set((await retiredHosts()).map(({ hostId }) => hostId));
  } catch (error) {
    logger.warn(
      { reason: messageOf(error) },
      'it could not be read which hosts are retired: those that the run before knew are',
    );
    return new Set(remembered);
  }
}
