import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckStatus } from '../../lib/self-check/check-result.ts';
import { type DoctorReport, doctorReportSchema } from '../../protocol/doctor-report.ts';
import { cutReport, MOST_REPORT_BYTES } from './cut-report.ts';

const report = (checks: DoctorReport['checks']): DoctorReport => ({
  schema_version: 1,
  role: 'lab-host',
  host_id: 'lab-1',
  status: 'red',
  generated_at_wall: '2026-05-01T12:00:00.000000+00:00',
  commit: 'a'.repeat(40),
  checks,
});
const check = (id: string, status: CheckStatus, length = 10) => ({
  id,
  status,
  summary: 'é'.repeat(length),
  cure: 'x'.repeat(length),
  duration_ms: 1,
});
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

test('one that fits stays as it is', () => {
  const whole = { ...report([check('disk', 'red')]), of_tomorrow: [1] };
  assert.equal(cutReport(whole), whole);
});

test('long texts are cut before a check is left out', () => {
  const whole = report([check('disk', 'red', 400_000), check('clock', 'green')]);
  const cut = cutReport(whole);
  assert.deepEqual(
    cut.checks.map(({ id, summary, cure }) => [id, summary.length, cure?.length]),
    [
      ['disk', 200, 500],
      ['clock', 10, 10],
    ],
  );
  assert.equal(cut['checks_left_out'], 0);
});

test('of too many checks the gravest stay, in their order', () => {
  const statuses: CheckStatus[] = ['green', 'yellow', 'red', 'unknown'];
  const checks = Array.from({ length: 4_000 }, (_, index) => check(`c-${index}`, statuses[index % 4] ?? 'red', 500));
  const cut = cutReport(report(checks), 1_500_000);
  assert.ok(sizeOf(cut) <= 1_500_000 && sizeOf(cut) > 1_400_000, `${sizeOf(cut)} bytes`);
  const count = (status: CheckStatus) => cut.checks.filter((one) => one.status === status).length;
  assert.deepEqual([count('red'), count('unknown') < 1_000, count('yellow'), count('green')], [1_000, true, 0, 0]);
  assert.equal(cut['checks_left_out'], 4_000 - cut.checks.length);
  const numbers = cut.checks.map(({ id }) => Number(id.slice(2)));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
  assert.ok(doctorReportSchema.safeParse(cut).success);
});

test('nothing in a report can make it too large', () => {
  const cut = cutReport({ ...report([check('c', 'red')]), of_tomorrow: 'x'.repeat(3 * MOST_REPORT_BYTES) });
  assert.ok(sizeOf(cut) < 1_000);
});
