// What every Ledger does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LedgerEntry } from '../../src/protocol/ledger-row.ts';
import type { AppendOutcome, Ledger } from '../../src/storage/ledger.ts';
import { appendedRow, type OpenLedger, rowIn, rowOf } from './ledger-fixture.ts';
import { describeListing } from './ledger-listing.contract.ts';
import { describeRetraction } from './ledger-retraction.contract.ts';
import { describeTallies } from './ledger-tallies.contract.ts';

const NEVER = new AbortController().signal;

export function describeLedger(name: string, open: OpenLedger): void {
  describe(`Ledger on ${name}`, () => {
    test('appended, and found and read as it was given', async (t) => {
      const { ledger } = await open(t);
      const row = rowOf('e1', { dirty: true, gate: { head: 'f'.repeat(40), source: 'static' }, schema_version: 'v2' });
      const appended = await appendedRow(ledger, row);
      assert.ok(appended.seq >= 1);
      assert.deepEqual(appended, { ...row, seq: appended.seq });
      assert.deepEqual(await ledger.find('host-1', 'e1'), { row: appended });
      assert.deepEqual(await ledger.read(0, 10), [appended]);
    });

    test('it is caught up once it answers, and stays so', async (t) => {
      const { ledger, reopen } = await open(t);
      assert.equal(await ledger.find('host-1', 'e1'), undefined);
      assert.equal(ledger.isCaughtUp(), true);
      await ledger.append(rowOf('e1'));
      assert.equal(ledger.isCaughtUp(), true);
      const again = await reopen();
      await again.read(0, 1);
      assert.equal(again.isCaughtUp(), true);
    });

    test('one after the other: each append resolves, with a higher seq', async (t) => {
      const { ledger } = await open(t);
      let last = 0;
      for (let index = 0; index < 20; index += 1) {
        const row = await appendedRow(ledger, rowOf(`e${index}`));
        assert.ok(row.seq > last);
        last = row.seq;
      }
    });

    test('a second row of an episode: duplicate for the same digest, else conflict; the first stands', async (t) => {
      const { ledger } = await open(t);
      const first = await appendedRow(ledger, rowOf('e1'));
      const again = await ledger.append(rowOf('e1', { received_at_wall: '2027-01-01T00:00:00.000000+00:00' }));
      assert.deepEqual(again, { kind: 'duplicate', row: first });
      const other = await ledger.append(rowOf('e1', { sha256: 'b'.repeat(64) }));
      assert.deepEqual(other, { kind: 'conflict', row: first });
      assert.deepEqual(await ledger.read(0, 10), [first]);
    });

    test('the same episode id of two hosts is two episodes', async (t) => {
      const { ledger } = await open(t);
      const outcomes = await Promise.all(['h1', 'h2'].map((host_id) => ledger.append(rowOf('e1', { host_id }))));
      assert.deepEqual(kindsOf(outcomes), { appended: 2 });
      assert.equal((await ledger.find('h2', 'e1'))?.row?.host_id, 'h2');
    });

    test('hundreds at once, with duplicates and conflicts among them: one row an episode', async (t) => {
      const { ledger } = await open(t);
      const rows = Array.from({ length: 300 }, (_, index) => rowOf(`e${index}`)).flatMap((row) => [
        row,
        row,
        { ...row, sha256: 'c'.repeat(64) },
      ]);
      const outcomes = await Promise.all(rows.map((row) => ledger.append(row)));
      assert.deepEqual(kindsOf(outcomes), { appended: 300, duplicate: 300, conflict: 300 });
      const read = await ledger.read(0, 1000);
      assert.equal(read.length, 300);
      assert.equal(new Set(read.map(({ episode_id: id }) => id)).size, 300);
      assertRising(read);
      // Whoever was told of another's row was told the row as it stands.
      for (const outcome of outcomes) {
        const row = rowIn(outcome);
        assert.deepEqual(
          row,
          read.find(({ seq }) => seq === row.seq),
        );
      }
    });

    test('a reader of 500 appends under way never meets a seq at or below one that it has read', async (t) => {
      const { ledger } = await open(t);
      let appending = true;
      const appends = appendInWaves(ledger, 500).finally(() => {
        appending = false;
      });
      const followed: LedgerEntry[] = [];
      let polls = 0;
      const poll = async () => {
        const next = await ledger.read(followed.at(-1)?.seq ?? 0, 50);
        followed.push(...next);
        assertRising(followed);
        const upToHere = (await ledger.read(0, 1000)).filter(({ seq }) => seq <= (followed.at(-1)?.seq ?? 0));
        assert.deepEqual(upToHere, followed, 'a row has appeared below one that had been read');
        polls += next.length > 0 ? 1 : 0;
        return next.length;
      };
      while (appending) {
        await poll();
        await nextTurn();
      }
      while ((await poll()) > 0);
      const outcomes = await appends;
      assert.deepEqual(kindsOf(outcomes), { appended: 500 });
      assert.ok(polls > 10, `only ${polls} polls saw something new: appends and reads did not overlap`);
      assert.equal(followed.length, 500);
    });

    test('once an append has resolved, its row can be found and read', async (t) => {
      const { ledger } = await open(t);
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const row = await appendedRow(ledger, rowOf(`e${index}`));
          assert.deepEqual(await ledger.find('host-1', `e${index}`), { row });
          assert.deepEqual(await ledger.read(row.seq - 1, 1), [row]);
        }),
      );
    });

    test('find knows nothing of others; read heeds afterSeq and limit', async (t) => {
      const { ledger } = await open(t);
      assert.deepEqual(await ledger.read(0, 10), []);
      await Promise.all(['e0', 'e1', 'e2', 'e3', 'e4'].map((id) => ledger.append(rowOf(id))));
      assert.equal(await ledger.find('host-1', 'e9'), undefined);
      assert.equal(await ledger.find('host-9', 'e1'), undefined);
      const all = await ledger.read(0, 10);
      assert.equal(all.length, 5);
      assert.deepEqual(await ledger.read(0, 2), all.slice(0, 2));
      assert.deepEqual(await ledger.read(all[1]?.seq ?? 0, 2), all.slice(2, 4));
      assert.deepEqual(await ledger.read(all[4]?.seq ?? 0, 2), []);
    });

    describeWaiting(open);
    describeRetraction(open);
    describeListing(open);
    describeTallies(open);

    test('everything is there again after close and open, and seq goes on above', async (t) => {
      const { ledger, reopen } = await open(t);
      await Promise.all(Array.from({ length: 50 }, (_, index) => ledger.append(rowOf(`e${index}`))));
      const before = await ledger.read(0, 100);
      const again = await reopen();
      assert.deepEqual(await again.read(0, 100), before);
      assert.deepEqual(
        (await again.find('host-1', 'e7'))?.row,
        before.find(({ episode_id: id }) => id === 'e7'),
      );
      assert.equal((await again.append(rowOf('e7'))).kind, 'duplicate');
      const row = await appendedRow(again, rowOf('new'));
      assert.ok(row.seq > (before.at(-1)?.seq ?? 0));
    });

    test('close waits for appends under way, and takes no more', async (t) => {
      const { ledger, reopen } = await open(t);
      const appends = Array.from({ length: 50 }, (_, index) => ledger.append(rowOf(`e${index}`)));
      const again = await reopen();
      assert.deepEqual(kindsOf(await Promise.all(appends)), { appended: 50 });
      assert.equal((await again.read(0, 100)).length, 50);
      await assert.rejects(ledger.append(rowOf('late')), { code: 'stopping' });
    });
  });
}

function describeWaiting(open: OpenLedger): void {
  test('waitAfter resolves at once when there is a later row', async (t) => {
    const { ledger } = await open(t);
    await ledger.append(rowOf('e1'));
    await ledger.waitAfter(0, NEVER);
  });

  test('waitAfter waits for a row above the seq, and wakes all who wait for it', async (t) => {
    const { ledger } = await open(t);
    const row = await appendedRow(ledger, rowOf('e1'));
    const woken: string[] = [];
    const waiting = ['a', 'b', 'c'].map(async (name) => {
      await ledger.waitAfter(row.seq, NEVER);
      woken.push(name);
      return await ledger.read(row.seq, 10);
    });
    await Promise.all([ledger.append(rowOf('e1')), turns(20)]);
    assert.deepEqual(woken, [], 'woken without a new row');
    const next = await appendedRow(ledger, rowOf('e2'));
    for (const read of await Promise.all(waiting)) assert.deepEqual(read, [next]);
  });

  test('waitAfter ends when its signal aborts, before or while it waits', async (t) => {
    const { ledger } = await open(t);
    await ledger.waitAfter(0, AbortSignal.abort());
    const abort = new AbortController();
    let ended = false;
    const waiting = ledger.waitAfter(0, abort.signal).then(() => {
      ended = true;
    });
    await turns(20);
    assert.equal(ended, false);
    abort.abort();
    await waiting;
  });
}

/** Starts appends turn by turn, so that batches follow each other while readers read. */
async function appendInWaves(ledger: Ledger, count: number): Promise<AppendOutcome[]> {
  const appends: Promise<AppendOutcome>[] = [];
  while (appends.length < count) {
    for (let wave = 0; wave < 5; wave += 1) appends.push(ledger.append(rowOf(`e${appends.length}`)));
    await Promise.race([...appends.slice(-5), nextTurn()]);
    if (appends.length % 25 === 0) await appends.at(-1);
  }
  return await Promise.all(appends);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await nextTurn();
}

function kindsOf(outcomes: readonly AppendOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function assertRising(rows: readonly LedgerEntry[]): void {
  rows.forEach((row, index) => {
    const before = rows[index - 1];
    if (before) assert.ok(row.seq > before.seq, `seq ${row.seq} comes after ${before.seq}`);
  });
}
