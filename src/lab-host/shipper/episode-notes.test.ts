import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { type DataLayout, dataLayout, makeDataDirectories } from '../data-layout.ts';
import { hasReason, hasReceipt, type QuarantineReason, writeReason, writeReceipt } from './episode-notes.ts';

const WALL = '2026-05-01T06:37:53.830599+00:00';
const REASON: QuarantineReason = {
  episode_id: 'e',
  quarantined_at_wall: WALL,
  status: 412,
  code: 'commit-not-in-window',
  detail: 'too old',
  remediation: 'git pull',
  commit: 'a'.repeat(40),
  head_commit: null,
  attempts: 1,
};

let root: string;
let layout: DataLayout;

beforeEach(async () => {
  root = makeDirectory();
  layout = dataLayout(root);
  await makeDataDirectories(layout);
  mkdirSync(join(layout.episodes, 'e'));
});
afterEach(() => removeDirectory(root));

const note = (name: string) => join(layout.episodes, 'e', name);

test('a receipt is written whole, with all of the answer', async () => {
  assert.equal(await hasReceipt(layout, 'e'), false);
  await writeReceipt(layout, 'e', { status: 'stored', seq: 7, extra: { a: [1] }, shipped_at_wall: WALL });
  assert.deepEqual(JSON.parse(readFileSync(note('receipt.json'), 'utf8')), {
    status: 'stored',
    seq: 7,
    extra: { a: [1] },
    shipped_at_wall: WALL,
  });
  assert.equal(await hasReceipt(layout, 'e'), true);
  assert.equal(await hasReason(layout, 'e'), false);
  assert.deepEqual(readdirSync(join(layout.episodes, 'e')), ['receipt.json']);
  assert.deepEqual(readdirSync(layout.outbox), []);
});

test('a reason is written whole', async () => {
  assert.equal(await hasReason(layout, 'e'), false);
  await writeReason(layout, REASON);
  assert.deepEqual(JSON.parse(readFileSync(note('quarantine_reason.json'), 'utf8')), REASON);
  assert.equal(await hasReason(layout, 'e'), true);
  assert.equal(await hasReceipt(layout, 'e'), false);
  assert.deepEqual(readdirSync(join(layout.episodes, 'e')), ['quarantine_reason.json']);
  assert.deepEqual(readdirSync(layout.outbox), []);
});

describe("a note that is not the shipper's decides nothing", () => {
  for (const text of ['', '{', 'null', '[]', '{}', '"x"', '{"shipped_at_wall":1}', JSON.stringify(REASON)]) {
    test(`receipt.json: ${text.slice(0, 30)}`, async () => {
      writeFileSync(note('receipt.json'), text);
      assert.equal(await hasReceipt(layout, 'e'), false);
    });
  }
  for (const change of [
    { episode_id: 'other' },
    { episode_id: undefined },
    { code: undefined },
    { quarantined_at_wall: 1 },
  ]) {
    test(`quarantine_reason.json: ${JSON.stringify(change)}`, async () => {
      writeFileSync(note('quarantine_reason.json'), JSON.stringify({ ...REASON, ...change }));
      assert.equal(await hasReason(layout, 'e'), false);
    });
  }
  test('quarantine_reason.json: torn', async () => {
    writeFileSync(note('quarantine_reason.json'), '{"episode_id":"e"');
    assert.equal(await hasReason(layout, 'e'), false);
  });
});

for (const [name, has] of [
  ['receipt.json', hasReceipt],
  ['quarantine_reason.json', hasReason],
] as const) {
  test(`a directory called ${name} is the episode's fault`, async () => {
    mkdirSync(note(name));
    await assert.rejects(has(layout, 'e'), { code: 'episode-malformed' });
  });
}

test('an id may be as long as a name can be', async () => {
  for (const episodeId of ['n'.repeat(250), 'm'.repeat(255)]) {
    mkdirSync(join(layout.episodes, episodeId));
    await writeReceipt(layout, episodeId, { shipped_at_wall: WALL });
    await writeReason(layout, { ...REASON, episode_id: episodeId });
    assert.equal(await hasReceipt(layout, episodeId), true);
    assert.equal(await hasReason(layout, episodeId), true);
  }
  assert.deepEqual(readdirSync(layout.outbox), []);
});

test('two notes at once do not meet in the outbox', async () => {
  const episodeIds = Array.from({ length: 20 }, (_, n) => `e-${n}`);
  for (const episodeId of episodeIds) mkdirSync(join(layout.episodes, episodeId));
  await Promise.all(episodeIds.map((of) => writeReceipt(layout, of, { of, shipped_at_wall: WALL })));
  for (const of of episodeIds) {
    const path = join(layout.episodes, of, 'receipt.json');
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { of, shipped_at_wall: WALL });
  }
});

test('a half-written note lies in the outbox, never in the episode', async () => {
  rmSync(layout.outbox, { recursive: true });
  await assert.rejects(writeReason(layout, REASON), { code: 'ENOENT' });
  await assert.rejects(writeReceipt(layout, 'e', { shipped_at_wall: WALL }), { code: 'ENOENT' });
  assert.deepEqual(readdirSync(join(layout.episodes, 'e')), []);
});

test('a note that cannot be written leaves nothing', async () => {
  rmSync(join(layout.episodes, 'e'), { recursive: true });
  await assert.rejects(writeReason(layout, REASON), { code: 'ENOENT' });
  assert.deepEqual(readdirSync(layout.outbox), []);
  assert.deepEqual(readdirSync(layout.episodes), []);
});
