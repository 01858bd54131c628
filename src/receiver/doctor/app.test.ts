import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DOCTOR_CHECKS } from '../../protocol/doctor-checks.ts';
import { doctorReportSchema } from '../../protocol/doctor-report.ts';
import { runReceiverDoctor } from './app.ts';
import { receiverBench } from './doctor.fixture.ts';

test('every check of the receiver is in the report, once', async (t) => {
  const { options, store } = receiverBench(t, { episodes: 2, programs: { systemctl: 'exit 1' } });
  writeFileSync(join(options.installRoot, 'VERSION'), 'c'.repeat(40));
  const report = await runReceiverDoctor(options);
  assert.ok(doctorReportSchema.safeParse(report).success);
  const expected = Object.entries(DOCTOR_CHECKS).filter(([, { role }]) => role !== 'lab-host');
  assert.deepEqual(report.checks.map(({ id }) => id).sort(), expected.map(([id]) => id).sort());
  assert.deepEqual([report.role, report.host_id, report.commit], ['receiver', null, 'c'.repeat(40)]);
  const byId = new Map(report.checks.map((check) => [check.id, check]));
  assert.deepEqual([byId.get('units')?.status, byId.get('ledger')?.status], ['unknown', 'green']);
  assert.match(byId.get('store')?.summary ?? '', new RegExp(`^${store}`));
  assert.ok(report.checks.every(({ duration_ms = -1 }) => duration_ms >= 0));
});

test('a configuration with mistakes is the one finding', async (t) => {
  const { options } = receiverBench(t);
  writeFileSync(options.configPath, '[stroe]\nroot = "store"\n[version_gate]\nenabled = false\nwindow = "x"\n');
  const { status, checks } = await runReceiverDoctor(options);
  assert.deepEqual([status, checks.map(({ id }) => id)], ['red', ['configuration']]);
  assert.match(checks[0]?.summary ?? '', /receiver\.toml:1: \[stroe\].* \(and 1 more\)$/);
  assert.match(checks[0]?.cure ?? '', /^sudoedit \S+\nsudo cis490 config check \S+ --role receiver$/);
  const gone = await runReceiverDoctor({ ...options, configPath: `${options.configPath}.gone` });
  assert.match(gone.checks[0]?.summary ?? '', /there is no such file$/);
});

test('one that cannot look says so, and the others look', async (t) => {
  const { options } = receiverBench(t, { programs: { systemctl: 'kill -9 $$' } });
  const { checks, status } = await runReceiverDoctor(options);
  const units = checks.find(({ id }) => id === 'units');
  assert.equal(units?.status, 'unknown');
  assert.match(units?.summary ?? '', /^not known: systemctl /);
  assert.notEqual(status, 'green');
  assert.equal(checks.find(({ id }) => id === 'store')?.status, 'green');
});
