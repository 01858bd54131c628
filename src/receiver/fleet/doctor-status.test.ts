import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doctorStatusOf } from './doctor-status.ts';

const cases: [content: string, status: string][] = [
  ['{"status":"green"}', 'green'],
  ['{"status":"yellow","checks":[]}', 'yellow'],
  ['{"status":"red","status":"unknown"}', 'unknown'],
  ['{"status":"red"}', 'red'],
  ['{"status":"GREEN"}', 'unknown'],
  ['{"status":["green"]}', 'unknown'],
  ['{"checks":{"status":"green"}}', 'unknown'],
  ['{"__proto__":{"status":"green"}}', 'unknown'],
  ['"green"', 'unknown'],
  ['null', 'unknown'],
  ['', 'unknown'],
  ['{"status":"green"', 'unknown'],
  [`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 'unknown'],
];

for (const [content, status] of cases) {
  test(`${status}: ${content.slice(0, 40)}`, () => {
    assert.equal(doctorStatusOf(Buffer.from(content)), status);
  });
}

test('bytes that are no UTF-8', () => {
  assert.equal(doctorStatusOf(Buffer.from([0xff, 0xfe, 0x00])), 'unknown');
});
