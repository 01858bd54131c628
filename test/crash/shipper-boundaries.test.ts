// SIGKILL of the shipper after each step of an episode's way, one by one: nothing lost, and the next pass needs no hand.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ShipperStep, UploadStep } from '../../src/lab-host/shipper/shipper-step.ts';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published, readRows } from '../support/nothing-lost.ts';
import { Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

type Place = 'episodes' | 'shipped' | 'quarantine';

/** Where the episode is after the kill, whether its tarball is in the outbox whole, and whether the receiver has it. */
interface Left {
  commit: string;
  place: Place;
  hasTarball: boolean;
  isStored: boolean;
}
const good = (place: Place, hasTarball: boolean, isStored: boolean): Left => ({
  commit: GOOD_COMMIT,
  place,
  hasTarball,
  isStored,
});
const stale = (place: Place, hasTarball: boolean): Left => ({
  commit: STALE_COMMIT,
  place,
  hasTarball,
  isStored: false,
});

const LEFT_AFTER: Record<Exclude<ShipperStep, UploadStep | 'put-started' | 'put-body-sent'>, Left> = {
  'partial-opened': good('episodes', false, false),
  'partial-written': good('episodes', false, false),
  'partial-synced': good('episodes', false, false),
  'sidecar-written': good('episodes', false, false),
  'tarball-renamed': good('episodes', true, false),
  'outbox-synced': good('episodes', true, false),
  'answer-received': good('episodes', true, true),
  'receipt-written': good('episodes', true, true),
  'moved-to-shipped': good('shipped', true, true),
  'shipped-synced': good('shipped', true, true),
  'reason-written': stale('episodes', true),
  'moved-to-quarantine': stale('quarantine', true),
  'quarantine-synced': stale('quarantine', true),
  'tarball-removed': good('shipped', false, true),
};
// What the receiver makes of a body that was cut off, or of an answer that nobody hears, is its own race: only the outcome is told.
const RACING: ShipperStep[] = ['put-started', 'put-body-sent'];

const SETTLED = new Set<string>([
  'receipt-written',
  'moved-to-shipped',
  'shipped-synced',
  'reason-written',
  'moved-to-quarantine',
  'quarantine-synced',
  'tarball-removed',
] satisfies ShipperStep[]);

const script = join(import.meta.dirname, '../support/killed-shipper.main.ts');

for (const step of [...Object.keys(LEFT_AFTER), ...RACING]) {
  test(`shipper killed after ${step}`, async (t) => {
    const left: Left | undefined = LEFT_AFTER[step as keyof typeof LEFT_AFTER];
    const commit = left?.commit ?? GOOD_COMMIT;
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const host = fleet.addHost('lab-1');
    const files = { 'data.bin': randomBytes(2 * 1024 * 1024), 'sub/notes.txt': 'two\nlines\n', 'sub/empty': '' };
    const manifest = publishEpisode(host.data, host.hostId, { episodeId: 'ep-1', commit, files });
    const published: Published[] = [{ host, episodeId: 'ep-1', manifest }];
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());

    const shipper = Program.script(script, [host.config, step, '1']);
    assert.equal((await shipper.ended).signal, 'SIGKILL', `it was not killed after ${step}:\n${shipper.stderr}`);

    const report = await checkNothingLost(fleet.store, published);
    assert.deepEqual(report.faults, []);
    if (left) {
      assert.deepEqual(namesIn(join(host.data, left.place)), ['ep-1']);
      assert.equal(namesIn(join(host.data, 'outbox')).includes('ep-1.tar.zst'), left.hasTarball);
      assert.equal(report.stored, left.isStored ? 1 : 0);
    }

    // A receipt or a reason settles it: the next pass asks nobody, and needs nobody.
    const isSettled = SETTLED.has(step);
    if (isSettled) assert.equal((await receiver.stop()).code, 0);
    const next = await fleet.shipOnce(host);
    assert.equal(next.code, 0, next.log);
    if (!isSettled) assert.equal((await receiver.stop()).code, 0);
    const isGood = commit === GOOD_COMMIT;
    assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: isGood ? 1 : 0 });
    assert.deepEqual(namesIn(join(host.data, isGood ? 'shipped' : 'quarantine')), ['ep-1']);
    const note = isGood ? 'shipped/ep-1/receipt.json' : 'quarantine/ep-1/quarantine_reason.json';
    const said = JSON.parse(readFileSync(join(host.data, note), 'utf8'));
    if (isGood) assert.equal(said.sha256, readRows(fleet.store)[0]?.sha256);
    else assert.equal(said.code, 'commit-not-in-window');
    assert.deepEqual(namesIn(join(host.data, 'episodes')), []);
    assert.deepEqual(namesIn(join(host.data, 'outbox')), []);
    // A tarball that was whole is sent again as it is: packing it anew could give it another digest.
    if (left?.place === 'episodes' && left.hasTarball) assert.doesNotMatch(next.log, /episode packed/);
  });
}

/** Of an upload: what of it is remembered beside the tarball, and whether the receiver has the episode; undefined where that is its own race. */
const UPLOAD_LEFT_AFTER: Record<UploadStep, { note: string[]; stored: number | undefined }> = {
  'upload-created': { note: [], stored: 0 },
  'upload-note-written': { note: ['ep-1.tar.zst.upload.tmp'], stored: 0 },
  'upload-note-renamed': { note: ['ep-1.tar.zst.upload'], stored: 0 },
  'upload-note-synced': { note: ['ep-1.tar.zst.upload'], stored: 0 },
  'patch-started': { note: ['ep-1.tar.zst.upload'], stored: 0 },
  'patch-body-sent': { note: ['ep-1.tar.zst.upload'], stored: undefined },
  'patch-answered': { note: ['ep-1.tar.zst.upload'], stored: 1 },
};

for (const [step, left] of Object.entries(UPLOAD_LEFT_AFTER)) {
  test(`shipper killed after ${step}`, async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const host = fleet.addHost('lab-1', 'resumable_above = "1 MiB"');
    const files = { 'data.bin': randomBytes(4 * 1024 * 1024) };
    const manifest = publishEpisode(host.data, host.hostId, { episodeId: 'ep-1', commit: GOOD_COMMIT, files });
    const published: Published[] = [{ host, episodeId: 'ep-1', manifest }];
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());

    const shipper = Program.script(script, [host.config, step, '1']);
    assert.equal((await shipper.ended).signal, 'SIGKILL', `it was not killed after ${step}:\n${shipper.stderr}`);
    const report = await checkNothingLost(fleet.store, published);
    assert.deepEqual(report.faults, []);
    if (left.stored !== undefined) assert.equal(report.stored, left.stored);
    assert.deepEqual(namesIn(join(host.data, 'outbox')).sort(), ['ep-1.json', 'ep-1.tar.zst', ...left.note]);

    const next = await fleet.shipOnce(host);
    assert.equal(next.code, 0, next.log);
    assert.equal((await receiver.stop()).code, 0);
    assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 1 });
    assert.deepEqual(namesIn(join(host.data, 'shipped')), ['ep-1']);
    assert.deepEqual(namesIn(join(host.data, 'outbox')), []);
    assert.doesNotMatch(next.log, /episode packed/);
    const unfinished = namesIn(join(fleet.store, 'uploads')).filter((name) => name.endsWith('.body'));
    assert.deepEqual(unfinished, [], 'the receiver keeps what nobody goes on with');
  });
}
