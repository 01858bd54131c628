import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GateStatus } from '../../version-gate/version-gate.ts';
import { type GateCondition, judgeGate } from './gate-verdict.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const ago = (minutes: number) =>
  Temporal.Instant.from(NOW)
    .subtract({ seconds: minutes * 60 })
    .toString({ fractionalSecondDigits: 6 });

const KNOWN: GateStatus = {
  enabled: true,
  head: 'a'.repeat(40),
  window: 100,
  source: 'forgejo',
  refreshedAt: ago(1),
  lastError: null,
  allowed: [],
  blocked: [],
};

const CASES: [what: string, status: Partial<GateStatus>, condition: GateCondition, text: RegExp][] = [
  ['the branch was read a minute ago', {}, 'fresh', /is fresh/],
  ['a list in the configuration', { source: 'static', refreshedAt: ago(9_999) }, 'fresh', /is fresh/],
  ['it is off', { enabled: false, head: null }, 'off', /of any code are stored/],
  ['nothing was ever learnt', { head: null, source: null, refreshedAt: null }, 'blind', /never learnt/],
  ['the forge fails now', { lastError: 'no answer' }, 'stale', /could not be read since 60 s/],
  ['nobody has read it for long', { refreshedAt: ago(20) }, 'stale', /since 20 min/],
  ['from before the start', { source: 'last-known-good', refreshedAt: null, lastError: 'x' }, 'stale', /read at all/],
  ['the fallback', { source: 'git-fallback', lastError: 'x' }, 'stale', /local repository stands in/],
  ['a clock that was set back', { refreshedAt: ago(-60) }, 'fresh', /is fresh/],
];

for (const [what, status, condition, text] of CASES) {
  test(what, () => {
    const opinion = judgeGate({ ...KNOWN, ...status }, NOW);
    assert.equal(opinion.condition, condition);
    assert.match(opinion.text, text);
    assert.equal(opinion.cure.length > 0, condition === 'stale' || condition === 'blind');
  });
}
