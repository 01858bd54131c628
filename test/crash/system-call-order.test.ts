// What a power cut would take: everything that was not fsynced before the next step. The order is read from the system calls of the
// real programs, so that no step is believed on the program's own word.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { put } from '../support/put.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { assertOrder, endTraced, readTrace, startTraced } from '../support/traced-program.ts';

test('the receiver answers 201 only after file, directory, new host directory and row are fsynced', async (t) => {
  if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const trace = join(root, 'trace');
  const receiver = startTraced(['receiver', '--config', fleet.receiverConfig], trace);
  t.after(() => endTraced(receiver, 'SIGKILL'));
  await receiver.printed(/receiver is listening/);
  const answer = await put(fleet.port, '/v1/episodes/lab-1/traced.tar.zst', randomBytes(2 * 1024 * 1024));
  assert.equal(answer.status, 201, answer.text);
  assert.equal(await endTraced(receiver, 'SIGTERM'), 0);
  const calls = readTrace(trace);
  assertOrder(calls, [
    ['write of the body', /^p?writev?(?:64)?\(\d+<[^>]*\/incoming\/lab-1~traced~/],
    ['fsync of the file', /^fsync\(\d+<[^>]*\/incoming\/lab-1~traced~/],
    ['link to its name', /^link(?:at)?\(.*\/episodes\/lab-1\/traced\.tar\.zst"/],
    ['fsync of the directory', /^fsync\(\d+<[^>]*\/episodes\/lab-1>/],
    ['append of the row', /^pwrite64\(\d+<[^>]*\/index\.jsonl>, "\{\\"host_id\\":\\"lab-1/],
    ['fsync of the row', /^fdatasync\(\d+<[^>]*\/index\.jsonl>/],
    ['unlink of the incoming name', /^unlink(?:at)?\(.*\/incoming\/lab-1~traced~/],
    ['the answer', /^(?:write|writev|sendto|sendmsg)\(\d+<socket:.*HTTP\/1\.1 201/],
  ]);
  assertOrder(calls, [
    ["fsync of the new host directory's parent", /^fsync\(\d+<[^>]*\/episodes>/],
    ['link to its name', /^link(?:at)?\(.*\/episodes\/lab-1\/traced\.tar\.zst"/],
  ]);
});

test('the shipper sends what is durable, and deletes the tarball only after the receipt and the move are', async (t) => {
  if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const moves = {
    good: ['shipped', 'receipt.json', GOOD_COMMIT],
    bad: ['quarantine', 'quarantine_reason.json', STALE_COMMIT],
  } as const;
  for (const [id, [place, note, commit]] of Object.entries(moves)) {
    const host = fleet.addHost(`lab-${id}`);
    publishEpisode(host.data, host.hostId, { episodeId: id, commit, files: { 'data.bin': randomBytes(500_000) } });
    const trace = join(root, `trace-${id}`);
    const shipper = startTraced(['shipper', '--once', '--config', host.config], trace);
    assert.equal((await shipper.ended).code, 0, shipper.stderr);
    assertOrder(readTrace(trace), [
      ['write of the partial', new RegExp(`^write\\(\\d+<[^>]*/outbox/${id}\\.tar\\.zst\\.partial>`)],
      ['fsync of the partial', new RegExp(`^fsync\\(\\d+<[^>]*/outbox/${id}\\.tar\\.zst\\.partial>`)],
      ['fsync of the sidecar', new RegExp(`^fsync\\(\\d+<[^>]*/outbox/${id}\\.json\\.[0-9a-f]+\\.tmp>`)],
      ['rename of the sidecar', new RegExp(`^rename\\(.*/outbox/${id}\\.json"`)],
      ['rename of the partial', new RegExp(`^rename\\(.*/outbox/${id}\\.tar\\.zst"`)],
      ['the request', /^(?:write|writev|sendto|sendmsg)\(\d+<socket:.*PUT \/v1\/episodes\//],
      ['fsync of the note', new RegExp(`^fsync\\(\\d+<[^>]*/outbox/${note.replace('.', '\\.')}\\.[0-9a-f]+\\.tmp>`)],
      ['rename of the note', new RegExp(`^rename\\(.*/episodes/${id}/${note}"`)],
      ['fsync of the episode', new RegExp(`^fsync\\(\\d+<[^>]*/episodes/${id}>`)],
      ['the move', new RegExp(`^rename\\(.*/episodes/${id}", ".*/${place}/${id}"`)],
      [`fsync of ${place}`, new RegExp(`^fsync\\(\\d+<[^>]*/${place}>`)],
      ['removal of the tarball', new RegExp(`^unlink\\(.*/outbox/${id}\\.tar\\.zst"`)],
    ]);
    assertOrder(readTrace(trace), [
      ['rename of the partial', new RegExp(`^rename\\(.*/outbox/${id}\\.tar\\.zst"`)],
      ['fsync of the outbox', /^fsync\(\d+<[^>]*\/outbox>/],
      ['the request', /^(?:write|writev|sendto|sendmsg)\(\d+<socket:.*PUT \/v1\/episodes\//],
    ]);
  }
});
