// What one run leaves to the next: kept as it is, and as none when it is damaged.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growQuarantines } from './quarantine-growth.ts';
import { expectedSince, formatRunMemory, parseRunMemory, type RunMemory } from './run-memory.ts';

const HOUR_MS = 3_600_000;
const NOTHING: RunMemory = { expected_since_ms: {}, quarantines: {}, retired: [] };

test('it comes back as it was', () => {
  const memory: RunMemory = {
    ledger: { mark: 'm', last: [['a', 1, null]], aside: [['b', 2, 'c']] },
    alerts_mark: 'n',
    expected_since_ms: { a: 5 },
    quarantines: { a: [[1, 2]] },
    retired: ['old'],
  };
  assert.deepEqual(parseRunMemory(formatRunMemory(memory)), memory);
});

test('a damaged one is as none; a damaged part does not take the others with it', () => {
  const texts = [undefined, '', '{', '[]', '"x"', '{"format_version":99}'];
  for (const text of texts) {
    assert.deepEqual(parseRunMemory(text), NOTHING, String(text));
  }
  const part = '{"format_version":1,"ledger":{"mark":1},"expected_since_ms":{"a":5},"quarantines":[]}';
  const read = parseRunMemory(part);
  assert.equal(read.ledger, undefined);
  assert.deepEqual(read.expected_since_ms, { a: 5 });
  assert.deepEqual(read.quarantines, {});
});

test('a host is expected since it first was; never since a time ahead of the clock', () => {
  const since = expectedSince({ old: 5, ahead: 200, gone: 1 }, ['old', 'ahead', 'new', 'toString'], 100);
  assert.deepEqual(
    [...since],
    [
      ['old', 5],
      ['ahead', 100],
      ['new', 100],
      ['toString', 100],
    ],
  );
});

test('a quarantine grows from the least of the last 24 hours', () => {
  const nowMs = 1_000 * HOUR_MS;
  const told = (hoursAgo: number, episodes: number, before: RunMemory['quarantines']) =>
    growQuarantines(before, new Map([['a', episodes]]), nowMs - hoursAgo * HOUR_MS);
  const first = told(30, 0, {});
  assert.equal(first.growth.get('a'), 0, 'the first that is known says nothing');
  const second = told(23, 7, first.samples);
  assert.equal(second.growth.get('a'), 7);
  const purged = told(10, 3, second.samples);
  const now = told(0, 9, purged.samples);
  assert.equal(now.growth.get('a'), 6, 'those of 30 hours ago do not count any more');
  assert.deepEqual(now.samples, {
    a: [
      [977, 7],
      [990, 3],
      [1_000, 9],
    ],
  });
  const later = told(0, 20, now.samples);
  assert.deepEqual(later.samples['a']?.at(-1), [1_000, 9], 'of one hour the least is kept');
});

test('a clock that was set back leaves no numbers of the future; hosts that are gone are forgotten', () => {
  const { growth, samples } = growQuarantines({ a: [[500, 0]], b: [[100, 4]] }, new Map([['a', 9]]), 101 * HOUR_MS);
  assert.equal(growth.get('a'), 0);
  assert.deepEqual(samples, { a: [[101, 9]], b: [[100, 4]] });
  assert.deepEqual(growQuarantines(samples, new Map(), 500 * HOUR_MS).samples, {});
});
