// One row for each finding and hour: appended and durable first, told in the log then. A run that is killed in between has its rows.

import type { AfterStep } from '../lib/after-step.ts';
import { AppError } from '../lib/app-error.ts';
import { inertLine } from '../lib/inert-text.ts';
import type { Logger } from '../lib/logger.ts';
import { type AlertRow, dedupKeyOf, SYMPTOMS } from '../protocol/alert.ts';
import type { AlertLog } from '../storage/alert-log.ts';
import type { FleetHealthStep } from './fleet-health-step.ts';
import type { Finding } from './observed.ts';

const HOUR_LENGTH = 'YYYY-MM-DDTHH'.length;

/** As its row would say it. Commands and details are one line each, without anything that drives a terminal. */
export function alertRowOf({ host, symptom, detail, suggestedFix }: Finding, detectedAtWall: string): AlertRow {
  return {
    host,
    symptom,
    detail: inertLine(detail).replace(/\.$/, ''),
    suggested_fix: inertLine(suggestedFix),
    detected_at_wall: detectedAtWall,
    dedup_key: dedupKeyOf(host, symptom, detectedAtWall),
    severity: SYMPTOMS[symptom],
  };
}

/** Other programs read this line. */
export function alertLineOf({ host, symptom, detail, suggested_fix }: AlertRow): string {
  return `ALERT host=${host} symptom=${symptom} — ${detail}. Suggested: ${suggested_fix}`;
}

/** Those of `rows` that alerts.jsonl does not have. Throws `cannot-read`. */
export async function newRowsOf(
  rows: readonly AlertRow[],
  alertLog: Pick<AlertLog, 'keysOf'>,
  nowWall: string,
  mark: string | undefined,
): Promise<{ rows: AlertRow[]; mark: string }> {
  const known = await alertLog.keysOf(nowWall.slice(0, HOUR_LENGTH), mark);
  return { rows: rows.filter(({ dedup_key }) => !known.keys.has(dedup_key)), mark: known.mark };
}

/** Throws `disk-full`, after having told what could not be written: nobody else tells it. */
export async function emitAlerts(
  rows: readonly AlertRow[],
  alertLog: Pick<AlertLog, 'append'>,
  logger: Logger,
  afterStep: AfterStep<FleetHealthStep>,
): Promise<void> {
  if (rows.length === 0) return;
  try {
    await alertLog.append(rows);
  } catch (error) {
    const told = rows.map(({ host, symptom }) => `${host} ${symptom}`).join(', ');
    logger.error({ alerts: told }, `${rows.length} alerts could not be written; the next run finds them again`);
    throw error instanceof AppError ? error : new AppError('cannot-write-alerts', String(error), { cause: error });
  }
  afterStep('rows-appended');
  for (const row of rows) logger.warn(alertLineOf(row));
  afterStep('alerts-told');
}
