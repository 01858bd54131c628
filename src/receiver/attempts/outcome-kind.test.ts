import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeKindOf } from './outcome-kind.ts';

const cases: [outcome: string, kind: string][] = [
  ['stored', 'stored'],
  ['duplicate', 'stored'],
  ['commit-not-in-window', 'refused'],
  ['too-large', 'refused'],
  ['not-ready', 'failed'],
  ['disk-full', 'failed'],
  ['internal-error', 'failed'],
  ['of-another-release', 'refused'],
  ['constructor', 'refused'],
];

for (const [outcome, kind] of cases) test(`${outcome}: ${kind}`, () => assert.equal(outcomeKindOf(outcome), kind));
