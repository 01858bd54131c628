// SIGKILL of the receiver after each step of its durable order, one by one: nothing lost, and the next start needs no hand.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReceiverStep } from '../../src/receiver/app.ts';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published, readRows } from '../support/nothing-lost.ts';
import { Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// What the crash leaves of the episode that was under way. `Record` makes the compiler ask for each step.
interface Left {
  inIncoming: boolean;
  published: boolean;
  rows: number;
}
const NOTHING: Left = { inIncoming: false, published: false, rows: 0 };
const PARTIAL: Left = { inIncoming: true, published: false, rows: 0 };
const PUBLISHED: Left = { inIncoming: true, published: true, rows: 0 };
const WITH_ROW: Left = { inIncoming: true, published: true, rows: 1 };
const DONE: Left = { inIncoming: false, published: true, rows: 1 };

const LEFT_AFTER: Record<ReceiverStep, Left> = {
  checked: NOTHING,
  'incoming-opened': PARTIAL,
  'incoming-written': PARTIAL,
  'body-received': PARTIAL,
  'incoming-synced': PARTIAL,
  published: PUBLISHED,
  'directory-synced': PUBLISHED,
  'row-written': WITH_ROW,
  'row-synced': WITH_ROW,
  'view-updated': WITH_ROW,
  'incoming-unlinked': DONE,
  'answer-sent': DONE,
};

for (const [step, left] of Object.entries(LEFT_AFTER)) {
  test(`receiver killed after ${step}`, async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const host = fleet.addHost('lab-1');
    // Large enough that its body reaches the disk in several pieces before it has all arrived.
    const manifest = publishEpisode(host.data, host.hostId, {
      episodeId: 'ep-1',
      commit: GOOD_COMMIT,
      files: { 'data.bin': randomBytes(3 * 1024 * 1024), 'sub/notes.txt': 'two\nlines\n' },
    });
    const published: Published[] = [{ host, episodeId: 'ep-1', manifest }];

    const script = join(import.meta.dirname, '../support/killed-receiver.main.ts');
    const receiver = Program.script(script, [fleet.receiverConfig, step, '1']);
    t.after(() => receiver.kill());
    await receiver.printed(/receiver is listening/);
    const first = await fleet.shipOnce(host);
    const ended = await receiver.kill();
    assert.equal(ended.signal, 'SIGKILL');
    if (step !== 'answer-sent') assert.equal(first.code, 1, first.log);

    const found: Left = {
      inIncoming: namesIn(join(fleet.store, 'incoming')).length > 0,
      published: namesIn(join(fleet.store, 'episodes/lab-1')).length > 0,
      rows: readRows(fleet.store).length,
    };
    assert.deepEqual(found, left);
    assert.deepEqual((await checkNothingLost(fleet.store, published)).faults, []);

    const again = await fleet.startReceiver();
    t.after(() => again.kill());
    const isRecovered = left.published && left.rows === 0;
    if (isRecovered) {
      // By the start alone: the sender may never come back.
      await again.printed(/episode was published without its row; row completed/);
      assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 1 });
    }
    const second = await fleet.shipOnce(host);
    assert.equal(second.code, 0, second.log);
    assert.equal((await again.stop()).code, 0);
    assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 1 });
    assert.deepEqual(namesIn(join(host.data, 'shipped')), ['ep-1']);
    assert.deepEqual(namesIn(join(host.data, 'outbox')), []);
    assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
    const [row] = readRows(fleet.store);
    assert.equal(row?.commit, GOOD_COMMIT);
    // Published without a row: the next start stamped it from the meta.json inside.
    assert.equal(row?.gate === 'recovered', isRecovered, JSON.stringify(row));
  });
}
