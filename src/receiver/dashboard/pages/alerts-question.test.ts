import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertsPath, backPath, readQuestion } from './alerts-question.ts';

const backs: [given: string | undefined, back: string][] = [
  [undefined, '/alerts'],
  ['/alerts?show=silenced&host=lab', '/alerts?show=silenced&host=lab'],
  ['/alerts?show=nonsense&next=//evil', '/alerts'],
  ['/hosts/lab-07', '/hosts/lab-07'],
  ['/hosts/lab-07?x=1', '/hosts/lab-07'],
  ['/hosts/../logout', '/alerts'],
  ['/hosts/', '/alerts'],
  ['//evil.example/alerts', '/alerts'],
  ['/\\evil.example/alerts', '/alerts'],
  ['https://evil.example/alerts', '/alerts'],
  ['javascript:alert(1)', '/alerts'],
  ['/logout', '/alerts'],
  ['/alerts\r\nSet-Cookie: a=b', '/alerts'],
];
for (const [given, back] of backs) {
  test(`${JSON.stringify(given)} leads back to ${back}`, () => {
    assert.equal(backPath(given), back);
  });
}

test('an address says what was asked, and is read as it was written', () => {
  const question = { tab: 'history', host: 'lab & co', symptom: 'backlog' } as const;
  const path = alertsPath(question, { silence: 'new' });
  const { searchParams } = new URL(path, 'http://here');
  assert.equal(searchParams.get('silence'), 'new');
  assert.deepEqual(readQuestion(Object.fromEntries(searchParams)), question);
});

test('what is no tab and no symptom asks for nothing special', () => {
  assert.deepEqual(readQuestion({ show: 'toString', symptom: '<b>' }), { tab: 'open', host: '', symptom: undefined });
});
