// Rows and lines of alerts: their exact form, each once an hour, the rows first.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { AppError } from '../lib/app-error.ts';
import { systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import { openAlertLog } from '../storage/open-storage.ts';
import { alertRowOf, emitAlerts, newRowsOf } from './emit-alerts.ts';
import { NOW } from './observed.fixture.ts';
import type { Finding } from './observed.ts';

const FINDING: Finding = {
  host: 'lab-1',
  symptom: 'silent',
  detail: 'nothing\nstored \u001b[2J\u202e for 31 min.',
  suggestedFix: 'ssh lab-1 true',
};

function recorder() {
  const told: string[] = [];
  const logger = createLogger({
    level: 'info',
    form: 'journal',
    clock: systemClock,
    write: (line) => told.push(line),
  });
  return { told, logger, afterStep: (step: string) => void told.push(step) };
}

test('a row as files.md has it, and nothing in it that drives a terminal', () => {
  assert.deepEqual(alertRowOf(FINDING, NOW), {
    host: 'lab-1',
    symptom: 'silent',
    detail: 'nothing stored ?[2J? for 31 min',
    suggested_fix: 'ssh lab-1 true',
    detected_at_wall: NOW,
    dedup_key: createHash('sha256').update('lab-1|silent|2026-05-01T12').digest('hex').slice(0, 16),
    severity: 'critical',
  });
});

test('the row is durable before its line is told; the line is exactly as other programs read it', async (t) => {
  const path = join(temporaryDirectory(t), 'alerts.jsonl');
  const { told, logger, afterStep } = recorder();
  const row = alertRowOf(FINDING, NOW);
  await emitAlerts([row], openAlertLog(path), logger, afterStep);
  assert.deepEqual(told, [
    'rows-appended',
    '<4>ALERT host=lab-1 symptom=silent — nothing stored ?[2J? for 31 min. Suggested: ssh lab-1 true\n',
    'alerts-told',
  ]);
  assert.equal(readFileSync(path, 'utf8'), `${JSON.stringify(row)}\n`);
});

test('one row an hour, whatever else stands in the file', async (t) => {
  const path = join(temporaryDirectory(t), 'alerts.jsonl');
  const { logger, afterStep } = recorder();
  const alertLog = openAlertLog(path);
  const at = (time: string) => alertRowOf(FINDING, `2026-05-01T${time}.000000+00:00`);
  writeFileSync(path, 'no row\n{"dedup_key":7}\n[]\n');
  const first = await newRowsOf([at('12:00:00')], alertLog, at('12:00:00').detected_at_wall, undefined);
  await emitAlerts(first.rows, alertLog, logger, afterStep);
  appendFileSync(path, '{"host":"lab-1","torn');
  for (const mark of [undefined, first.mark, 'damaged']) {
    const again = await newRowsOf([at('12:59:59')], alertLog, at('12:59:59').detected_at_wall, mark);
    assert.deepEqual(again.rows, [], String(mark));
  }
  const nextHour = await newRowsOf([at('13:00:00')], alertLog, at('13:00:00').detected_at_wall, first.mark);
  assert.equal(nextHour.rows.length, 1);
});

test('rows that cannot be written are named, and no line says that they are there', async () => {
  const { told, logger, afterStep } = recorder();
  const full = { append: async () => Promise.reject(new AppError('disk-full', 'no room')) };
  await assert.rejects(emitAlerts([alertRowOf(FINDING, NOW)], full, logger, afterStep), { code: 'disk-full' });
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /^<3>1 alerts could not be written.*alerts="lab-1 silent"/);
});
