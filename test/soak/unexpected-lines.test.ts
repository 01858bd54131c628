import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unexpectedLines } from './unexpected-lines.ts';

const AT = '2026-05-01T06:37:53.830599+00:00';

const EXPECTED = [
  '',
  `${AT} INFO shipper started host=lab-01`,
  `${AT} WARNING the receiver does not answer code=connection-refused`,
  `${AT} ERROR episode refused and quarantined episode=ep-1 code=commit-not-in-window`,
  `${AT} ERROR remediation: sudo systemctl restart cis490-orchestrator episode=ep-1`,
  `${AT} ERROR the new configuration is not usable; the old one stays in force reason=x`,
];
const UNEXPECTED = [
  `${AT} ERROR the receiver cannot go on and stops`,
  `${AT} CRITICAL what`,
  'TypeError: Cannot read properties of undefined',
  '    at shipPass (ship-pass.ts:7:1)',
];

test('what the faults explain passes', () => {
  assert.deepEqual(unexpectedLines(EXPECTED.map((line) => `${line}\n`).join('')), []);
});

for (const line of UNEXPECTED) {
  test(`told: ${line}`, () => {
    assert.deepEqual(unexpectedLines(`${EXPECTED[1]}\n${line}\n${EXPECTED[2]}\n`), [line]);
  });
}

test('a line that a kill cut off counts for nothing', () => {
  assert.deepEqual(unexpectedLines(`${EXPECTED[1]}\n${UNEXPECTED[2]}`), []);
});
