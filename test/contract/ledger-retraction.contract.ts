// What every Ledger does with retractions, whatever is behind it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appendedRow, type OpenLedger, rowOf, tombstoneOf } from './ledger-fixture.ts';

const NEVER = new AbortController().signal;

export function describeRetraction(open: OpenLedger): void {
  test('retracted: the row stays findable with its tombstone, and both are read in order', async (t) => {
    const { ledger, reopen } = await open(t);
    const row = await appendedRow(ledger, rowOf('e1'));
    const other = await appendedRow(ledger, rowOf('e2'));
    const outcome = await ledger.retract(tombstoneOf('e1'));
    assert.ok(outcome.kind === 'retracted');
    const { tombstone } = outcome;
    assert.ok(tombstone.seq > other.seq);
    assert.deepEqual(tombstone, { ...tombstoneOf('e1'), seq: tombstone.seq });
    for (const opened of [async () => ledger, reopen]) {
      const state = await opened();
      assert.deepEqual(await state.find('host-1', 'e1'), { row, tombstone });
      assert.deepEqual(await state.find('host-1', 'e2'), { row: other });
      assert.deepEqual(await state.read(0, 10), [row, other, tombstone]);
      assert.deepEqual(await state.read(row.seq, 1), [other]);
      assert.deepEqual(await state.read(other.seq, 10), [tombstone]);
    }
  });

  test('a retracted id is never stored again, whatever its content, and no row is made of it', async (t) => {
    const { ledger, reopen } = await open(t);
    await ledger.append(rowOf('e1'));
    await ledger.retract(tombstoneOf('e1'));
    const before = await ledger.read(0, 10);
    const tombstone = before.at(-1);
    for (const opened of [async () => ledger, reopen]) {
      const state = await opened();
      for (const sha256 of ['a', 'b'].map((digit) => digit.repeat(64))) {
        assert.deepEqual(await state.append(rowOf('e1', { sha256 })), { kind: 'retracted', tombstone });
      }
      assert.deepEqual(await state.read(0, 10), before);
    }
  });

  test('a second retraction: already-retracted with the first tombstone, which stands', async (t) => {
    const { ledger } = await open(t);
    await ledger.append(rowOf('e1'));
    const first = await ledger.retract(tombstoneOf('e1'));
    assert.ok(first.kind === 'retracted');
    const again = await ledger.retract({ ...tombstoneOf('e1'), reason: 'another', by: 'bob' });
    assert.deepEqual(again, { kind: 'already-retracted', tombstone: first.tombstone });
    assert.equal((await ledger.read(0, 10)).length, 2);
  });

  test('what was never stored is not found, and can be stored afterwards', async (t) => {
    const { ledger } = await open(t);
    await ledger.append(rowOf('e1', { host_id: 'host-2' }));
    assert.deepEqual(await ledger.retract(tombstoneOf('e1')), { kind: 'not-found' });
    assert.equal((await ledger.append(rowOf('e1'))).kind, 'appended');
    assert.equal((await ledger.find('host-2', 'e1'))?.tombstone, undefined);
  });

  test('appends and retractions of one id at once are decided in the order in which they came', async (t) => {
    const { ledger } = await open(t);
    const outcomes = await Promise.all([
      ledger.retract(tombstoneOf('e1')),
      ledger.append(rowOf('e1')),
      ledger.append(rowOf('e1')),
      ledger.append(rowOf('e2')),
      ledger.retract(tombstoneOf('e1')),
      ledger.append(rowOf('e1')),
      ledger.retract(tombstoneOf('e1')),
      ledger.append(rowOf('e1', { sha256: 'b'.repeat(64) })),
    ]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['not-found', 'appended', 'duplicate', 'appended', 'retracted', 'retracted', 'already-retracted', 'retracted'],
    );
    const entries = await ledger.read(0, 10);
    assert.deepEqual(
      entries.map((entry) => [entry.episode_id, 'retracted_at_wall' in entry]),
      [
        ['e1', false],
        ['e2', false],
        ['e1', true],
      ],
    );
    const tombstone = entries.at(-1);
    for (const outcome of outcomes) if ('tombstone' in outcome) assert.deepEqual(outcome.tombstone, tombstone);
  });

  test('of hundreds of retractions at once each id is retracted once', async (t) => {
    const { ledger } = await open(t);
    const ids = Array.from({ length: 100 }, (_, index) => `e${index}`);
    await Promise.all(ids.map((id) => ledger.append(rowOf(id))));
    const outcomes = await Promise.all([...ids, ...ids].map((id) => ledger.retract(tombstoneOf(id))));
    assert.equal(outcomes.filter(({ kind }) => kind === 'retracted').length, 100);
    assert.equal(outcomes.filter(({ kind }) => kind === 'already-retracted').length, 100);
    assert.equal((await ledger.read(0, 1000)).length, 200);
  });

  test('a tombstone wakes those who wait', async (t) => {
    const { ledger } = await open(t);
    const row = await appendedRow(ledger, rowOf('e1'));
    const waiting = ledger.waitAfter(row.seq, NEVER).then(() => ledger.read(row.seq, 10));
    const outcome = await ledger.retract(tombstoneOf('e1'));
    assert.ok(outcome.kind === 'retracted');
    assert.deepEqual(await waiting, [outcome.tombstone]);
  });

  test('close waits for retractions under way, and takes no more', async (t) => {
    const { ledger, reopen } = await open(t);
    await ledger.append(rowOf('e1'));
    const retraction = ledger.retract(tombstoneOf('e1'));
    const again = await reopen();
    assert.equal((await retraction).kind, 'retracted');
    assert.ok((await again.find('host-1', 'e1'))?.tombstone);
    await assert.rejects(ledger.retract(tombstoneOf('e1')), { code: 'stopping' });
  });
}
