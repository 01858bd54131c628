import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW_MS, wallAgo } from '../operator.fixture.ts';
import { ago, agoInFull, lasting, span } from './relative-time.ts';

const cases: [seconds: number, text: string][] = [
  [-3600, 'now'],
  [0, 'now'],
  [1.9, 'now'],
  [2, '2 s ago'],
  [119, '119 s ago'],
  [120, '2 min ago'],
  [7199, '119 min ago'],
  [7200, '2 h ago'],
  [172_799, '47 h ago'],
  [172_800, '2 days ago'],
];

for (const [seconds, text] of cases)
  test(`${seconds} s: ${text}`, () => assert.equal(ago(wallAgo(seconds), NOW_MS), text));

test('what is no time is no failure', () => {
  assert.equal(ago('yesterday', NOW_MS), '?');
  assert.equal(agoInFull('', NOW_MS), '? (?)');
});

test('other forms', () => {
  assert.equal(agoInFull(wallAgo(180), NOW_MS), '3 min ago (2026-05-01 11:57:00 UTC)');
  assert.equal(lasting(wallAgo(180), NOW_MS), 'for 3 min');
  assert.equal(lasting(wallAgo(0), NOW_MS), 'since now');
  assert.equal(span(0.4), '0 s');
});
