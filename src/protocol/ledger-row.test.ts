import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTombstone, type LedgerEntry, ledgerRowSchema, tombstoneSchema } from './ledger-row.ts';

const OLDER = {
  host_id: 'lab-07',
  episode_id: 'e',
  received_at_wall: '2026-05-01T06:37:53.830599+00:00',
  sha256: 'ab'.repeat(32),
  bytes: 0,
  path: 'episodes/lab-07/e.tar.zst',
};

describe('a row', () => {
  for (const [title, more] of [
    ['of the older receiver, before its gate', {}],
    ['of the older receiver, with nulls', { schema_version: null, commit: null }],
    ['of the older receiver, with its gate', { schema_version: 3, commit: 'a'.repeat(40) }],
    [
      'of this receiver',
      {
        schema_version: '3',
        commit: 'a'.repeat(40),
        seq: 1,
        dirty: true,
        gate: { head: 'b'.repeat(40), source: 'git' },
      },
    ],
    ['completed after a crash', { seq: 2, dirty: false, gate: 'recovered' }],
    ['stored with the gate off', { seq: 3, gate: 'disabled' }],
    ['of a tree that nobody knows the state of', { seq: 3, dirty: null }],
    ['let in by a gate of tomorrow', { seq: 3, gate: 'signed' }],
    ['let in by a gate that tells more', { seq: 3, gate: { head: null, source: 'forge', age_s: 1, by: { a: [1] } } }],
    ['let in by a gate that tells nothing', { seq: 3, gate: {} }],
    ['of a newer receiver', { seq: 4, shard: 'x', labels: { a: [1] } }],
  ] satisfies [string, Record<string, unknown>][]) {
    test(`${title} is read, and nothing of it is lost`, () => {
      assert.deepEqual(ledgerRowSchema.parse({ ...OLDER, ...more }), { ...OLDER, ...more });
    });
  }
});

describe('no row', () => {
  for (const [title, change] of [
    ['without a host', { host_id: undefined }],
    ['without an episode', { episode_id: undefined }],
    [
      'a tombstone, which has no time of receipt',
      { received_at_wall: undefined, retracted_at_wall: OLDER.received_at_wall, reason: 'x', by: 'y' },
    ],
    ['without a path', { path: undefined }],
    ['a digest in upper case', { sha256: 'AB'.repeat(32) }],
    ['a short digest', { sha256: 'ab' }],
    ['a negative size', { bytes: -1 }],
    ['dirty that is not true or false', { dirty: 'no' }],
    ['a gate that is a number', { gate: 1 }],
    ['a gate that is nothing', { gate: null }],
    ['half a byte', { bytes: 0.5 }],
    ['a size as text', { bytes: '1' }],
    ['a number of zero', { seq: 0 }],
    ['a number that JavaScript cannot count to', { seq: 2 ** 53 }],
  ] satisfies [string, Record<string, unknown>][]) {
    test(title, () => assert.equal(ledgerRowSchema.safeParse({ ...OLDER, ...change }).success, false));
  }
});

const TOMBSTONE = {
  host_id: 'lab-07',
  episode_id: 'e',
  retracted_at_wall: '2026-05-01T06:37:53.830599+00:00',
  reason: 'recorded with the lens cap on',
  by: 'ada',
};

describe('a tombstone', () => {
  for (const [title, more] of [
    ['without a number', {}],
    ['with its number', { seq: 7 }],
    ['of a newer receiver', { seq: 7, labels: { a: [1] } }],
  ] satisfies [string, Record<string, unknown>][]) {
    test(`${title} is read, and nothing of it is lost`, () => {
      assert.deepEqual(tombstoneSchema.parse({ ...TOMBSTONE, ...more }), { ...TOMBSTONE, ...more });
    });
  }

  for (const key of Object.keys(TOMBSTONE)) {
    test(`is none without ${key}`, () => {
      assert.equal(tombstoneSchema.safeParse({ ...TOMBSTONE, [key]: undefined }).success, false);
    });
  }

  test('is no row, and a row is none, whatever fields it has that are not known here', () => {
    const entries: [LedgerEntry, boolean][] = [
      [{ ...TOMBSTONE, seq: 1 }, true],
      [{ ...OLDER, seq: 1 }, false],
      [{ ...OLDER, ...TOMBSTONE, seq: 1 }, false],
    ];
    for (const [entry, expected] of entries) assert.equal(isTombstone(entry), expected);
    assert.equal(ledgerRowSchema.safeParse(TOMBSTONE).success, false);
  });
});
