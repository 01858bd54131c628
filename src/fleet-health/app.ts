// One run of the monitor: read, detect, write the rows, tell; then what follows from it. Each step is durable before the next, so that a
// run that was killed anywhere loses no alert and writes none twice in its hour.

import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { type AfterStep, noStepObserver } from '../lib/after-step.ts';
import { AppError, messageOf } from '../lib/app-error.ts';
import { becomeOwner } from '../lib/become-owner.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { makeDirectory } from '../lib/make-directory.ts';
import type { AlertRow } from '../protocol/alert.ts';
import type { MonitorState } from '../storage/monitor-state.ts';
import { openAlertLog, openMonitorState } from '../storage/open-storage.ts';
import { countHosts, type RunResult, runAsJson, summaryOf } from './describe-run.ts';
import { detect } from './detect/detect.ts';
import { alertLineOf, alertRowOf, emitAlerts, newRowsOf } from './emit-alerts.ts';
import type { FleetHealthStep } from './fleet-health-step.ts';
import { settleRun, type Telling } from './life-cycle/settle-run.ts';
import { type FailedSource, observe } from './observe.ts';
import type { UpdateCommands } from './observed.ts';
import { type AttemptsChoice, openSources, type ReceiverKnowledge } from './open-sources.ts';
import { parseTimeMs } from './parse-time.ts';
import { formatRunMemory, parseRunMemory } from './run-memory.ts';
import type { Thresholds } from './thresholds.ts';
import { waitForLock } from './wait-for-lock.ts';

export interface FleetHealthOptions {
  indexPath: string;
  alertsPath: string;
  thresholds: Thresholds;
  attempts: AttemptsChoice;
  expectedHosts: readonly string[];
  receiver: ReceiverKnowledge | undefined;
  updateCommands: UpdateCommands;
  /** A replay: the wall time that counts as now. */
  nowWall: string | undefined;
  /** Nothing is written anywhere, and nobody is told. */
  dryRun: boolean;
  json: boolean;
  telling: Telling;
  output: Writable;
  logger: Logger;
  clock: Clock;
  afterStep?: AfterStep<FleetHealthStep>;
}

/**
 * Resolves when the run is done, with or without alerts. Throws `bad-input` when the ledger or alerts.jsonl cannot be read, `disk-full`,
 * `already-running`, and what keeps monitor.db from being used: then all that could be told has been.
 */
export async function runFleetHealth(options: FleetHealthOptions): Promise<void> {
  const { alertsPath, dryRun, clock, afterStep = noStepObserver } = options;
  try {
    if (dryRun) return await runOnce(options, undefined);
    await makeDirectory(dirname(alertsPath));
    await becomeOwner(dirname(alertsPath));
    const lock = await waitForLock(dirname(alertsPath), clock);
    try {
      afterStep('locked');
      await runWithState(options);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'cannot-read')) throw error;
    throw new AppError('bad-input', error.message, { ...(error.hint && { hint: error.hint }), cause: error });
  }
}

/** Without its memory a run costs more and tells the same: what is amiss with it is thrown when the alerts are out. */
async function runWithState(options: FleetHealthOptions): Promise<void> {
  const { alertsPath, logger } = options;
  await using opened = new AsyncDisposableStack();
  let state: MonitorState;
  let memory: string | undefined;
  try {
    state = opened.adopt(await openMonitorState(join(dirname(alertsPath), 'monitor.db')), (it) => it.close());
    memory = await state.memory();
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'monitor.db cannot be used: all is read anew, and only the log is told');
    await runOnce(options, undefined);
    throw error;
  }
  await runOnce(options, state, memory);
}

async function runOnce(
  options: FleetHealthOptions,
  state: MonitorState | undefined,
  memoryText?: string,
): Promise<void> {
  const { dryRun, logger, clock, afterStep = noStepObserver } = options;
  const remembered = parseRunMemory(memoryText);
  const nowWall = options.nowWall ?? clock.wallTime();
  const nowMs = parseTimeMs(nowWall) ?? 0;
  const sources = await openSources({ ...options, isReplay: options.nowWall !== undefined });
  const { observed, failed, memory } = await observe({ ...options, sources, remembered, nowMs });
  afterStep('observed');

  const { findings, canTell } = detect(observed);
  const alertLog = openAlertLog(options.alertsPath);
  const found = findings.map((finding) => alertRowOf(finding, nowWall));
  const emitted = await emit();
  const text = formatRunMemory({ ...memory, alerts_mark: emitted.mark });
  const failedSources = failed.map(({ source }) => source);
  const { retired } = observed;
  try {
    const isWhole = failedSources.length === 0 && emitted.error === undefined;
    const run = { nowMs, nowWall, findings, canTell, retired, isWhole, memory: text };
    if (state) await settleRun({ ...options.telling, state, logger: options.logger, clock: options.clock }, run);
    afterStep('settled');
  } finally {
    tell(options, { nowWall, hostsChecked: countHosts(observed), newAlerts: emitted.rows, findings, failed });
  }
  if (emitted.error !== undefined) throw emitted.error;
  refuseWithoutLedger(failed);

  /** States follow from findings and not from rows: the channels are told also where no row can be read or written. */
  async function emit(): Promise<{ rows: AlertRow[]; mark: string | undefined; error?: unknown }> {
    try {
      const { rows, mark } = await newRowsOf(found, alertLog, nowWall, memory.alerts_mark);
      if (!dryRun) await emitAlerts(rows, alertLog, logger, afterStep);
      return { rows, mark };
    } catch (error) {
      return { rows: [], mark: memory.alerts_mark, error };
    }
  }
}

function tell({ alertsPath, dryRun, json, output, logger }: FleetHealthOptions, result: RunResult): void {
  if (json) output.write(runAsJson(result));
  else if (dryRun) for (const row of result.newAlerts) output.write(`${alertLineOf(row)}\n`);
  logger.info(summaryOf(result, alertsPath, dryRun));
}

/** What rests on the other sources has been told by now. */
function refuseWithoutLedger(failed: readonly FailedSource[]): void {
  const ledger = failed.find(({ source }) => source === 'ledger');
  if (!ledger) return;
  throw new AppError('bad-input', ledger.reason, {
    ...(ledger.hint && { hint: ledger.hint }),
  });
}
