import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DoctorReport } from '../../protocol/doctor-report.ts';
import { describeReport } from './describe-report.ts';

const REPORT: DoctorReport = {
  schema_version: 1,
  role: 'lab-host',
  host_id: 'lab-1',
  status: 'red',
  generated_at_wall: '2026-05-01T06:37:53.830599+00:00',
  commit: null,
  checks: [
    { id: 'disk', status: 'green', summary: 'well', cure: null },
    { id: 'receiver-tcp', status: 'red', summary: 'nothing listens there, or nothing that answers', cure: 'one\ntwo' },
    { id: 'clock', status: 'unknown', summary: 'not known' },
  ],
};

test('a line a check, the cure below it as it is typed, the sum last', () => {
  assert.equal(
    describeReport(REPORT, { hasColours: false, columns: undefined }),
    `green    disk          well
red      receiver-tcp  nothing listens there, or nothing that answers
    to cure it:
    one
    two

unknown  clock         not known

lab-1 is red: 1 red (receiver-tcp), 1 unknown (clock), 1 green
`,
  );
});

test('in the width of a terminal, in colours; commands are never broken', () => {
  const text = describeReport(REPORT, { hasColours: true, columns: 55 });
  const [, broken] = text.split('\n');
  assert.equal(broken, '\x1b[31;1mred\x1b[0m      receiver-tcp  nothing listens there, or');
  assert.ok(text.includes(`\n${' '.repeat(23)}nothing that answers\n`), text);
  assert.match(text, /\n {4}one\n {4}two\n/);
});

test('words of a report from elsewhere drive no terminal', () => {
  const checks = [{ id: 'x\x1b[1m', status: 'red' as const, summary: 'a\x1b[2J', cure: 'b\x1b[2J' }];
  const text = describeReport({ ...REPORT, host_id: 'h\x07', checks }, { hasColours: false, columns: undefined });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there.
  assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f]/);
});
