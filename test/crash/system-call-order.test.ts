// What a power cut would take: everything that was not fsynced before the next step. The order is read from the system calls of the
// real programs, so that no step is believed on the program's own word.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { Program } from '../support/program.ts';
import { put } from '../support/put.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { assertOrder, endTraced, readTrace, startTraced } from '../support/traced-program.ts';

// A step that does not wait for an fsync must not look as if it had because the disk was quick.
const SLOW_SYNCS = ['-e', 'inject=fsync,fdatasync:delay_enter=100000'];

test('the receiver answers 201 only after file, directory, new host directory and row are fsynced', async (t) => {
  if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const trace = join(root, 'trace');
  const receiver = startTraced(['receiver', '--config', fleet.receiverConfig], trace, SLOW_SYNCS);
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
  const rowSynced = calls.find(({ name, args }) => name === 'fdatasync' && args.includes('/index.jsonl>'));
  const published = calls.find(({ name, args }) => name.startsWith('link') && args.includes('/lab-1/traced.tar.zst"'));
  const early = calls.filter(
    ({ name, args, startedAt }) =>
      name === 'pwrite64' &&
      args.includes('/state.db-wal>') &&
      startedAt > (published?.endedAt ?? 0) &&
      startedAt < (rowSynced?.endedAt ?? 0),
  );
  assert.deepEqual(early, [], 'the view heard of the row before it was durable');
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
    const shipper = startTraced(['shipper', '--once', '--config', host.config], trace, SLOW_SYNCS);
    assert.equal((await shipper.ended).code, 0, shipper.stderr);
    assertOrder(readTrace(trace), [
      ['write of the partial', new RegExp(`^write\\(\\d+<[^>]*/outbox/${id}\\.tar\\.zst\\.partial>`)],
      ['fsync of the partial', new RegExp(`^fsync\\(\\d+<[^>]*/outbox/${id}\\.tar\\.zst\\.partial>`)],
      ['write of the sidecar', new RegExp(`^write\\(\\d+<[^>]*/outbox/${id}\\.json>`)],
      ['fsync of the sidecar', new RegExp(`^fsync\\(\\d+<[^>]*/outbox/${id}\\.json>`)],
      ['rename of the partial', new RegExp(`^rename\\(.*/outbox/${id}\\.tar\\.zst"`)],
      ['the request', /^(?:write|writev|sendto|sendmsg)\(\d+<socket:.*PUT \/v1\/episodes\//],
      ['fsync of the note', new RegExp(`^fsync\\(\\d+<[^>]*/outbox/${note.replace('.', '\\.')}\\.[0-9a-f]+\\.tmp>`)],
      ['rename of the note', new RegExp(`^rename\\(.*/episodes/${id}/${note}"`)],
      ['fsync of the episode', new RegExp(`^fsync\\(\\d+<[^>]*/episodes/${id}>`)],
      ['the move', new RegExp(`^rename\\(.*/episodes/${id}", ".*/${place}/${id}"`)],
      ['fsync of episodes/', /^fsync\(\d+<[^>]*\/episodes>/],
      ['removal of the tarball', new RegExp(`^unlink\\(.*/outbox/${id}\\.tar\\.zst"`)],
    ]);
    assertOrder(readTrace(trace), [
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

test('the shipper sends no byte of an upload before its address is durable', async (t) => {
  if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1', 'resumable_above = "64 KiB"');
  const files = { 'data.bin': randomBytes(500_000) };
  publishEpisode(host.data, 'lab-1', { episodeId: 'up', commit: GOOD_COMMIT, files });
  const trace = join(root, 'trace');
  const shipper = startTraced(['shipper', '--once', '--config', host.config], trace, SLOW_SYNCS);
  assert.equal((await shipper.ended).code, 0, shipper.stderr);
  const calls = readTrace(trace);
  const post = /^(?:write|writev|sendto|sendmsg)\(\d+<socket:.*POST \/v1\/uploads/;
  const bytes = /^(?:write|writev|sendto|sendmsg)\(\d+<socket:.*PATCH \/v1\/uploads\//;
  // The last creation asks for the receipt.
  const receiptAt = calls.findLastIndex(({ name, args }) => post.test(`${name}(${args}`));
  assertOrder(calls.slice(0, receiptAt), [
    ['rename of the partial', /^rename\(.*\/outbox\/up\.tar\.zst"/],
    ['the creation', post],
    ['write of the note', /^write\(\d+<[^>]*\/outbox\/up\.tar\.zst\.upload\.tmp>/],
    ['fsync of the note', /^fsync\(\d+<[^>]*\/outbox\/up\.tar\.zst\.upload\.tmp>/],
    ['rename of the note', /^rename\(.*\/outbox\/up\.tar\.zst\.upload"/],
    ['fsync of the outbox', /^fsync\(\d+<[^>]*\/outbox>/],
    ['the bytes', bytes],
  ]);
  assertOrder(calls, [
    ['the bytes', bytes],
    ['the request for the receipt', post],
    ['rename of the episode', /^rename\(.*\/shipped\/up"/],
  ]);
});

test('a start gives a published episode its row only after the directory is fsynced', async (t) => {
  if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const host = fleet.addHost('lab-1');
  publishEpisode(host.data, 'lab-1', { episodeId: 'ep', commit: GOOD_COMMIT, files: { a: '1' } });
  const script = join(import.meta.dirname, '../support/killed-receiver.main.ts');
  const killed = Program.script(script, [fleet.receiverConfig, 'published', '1']);
  t.after(() => killed.kill());
  await killed.printed(/receiver is listening/);
  await fleet.shipOnce(host);
  assert.equal((await killed.ended).signal, 'SIGKILL');
  const trace = join(root, 'trace');
  const receiver = startTraced(['receiver', '--config', fleet.receiverConfig], trace, SLOW_SYNCS);
  t.after(() => endTraced(receiver, 'SIGKILL'));
  await receiver.printed(/row completed/);
  assert.equal(await endTraced(receiver, 'SIGTERM'), 0);
  assertOrder(readTrace(trace), [
    ['fsync of the directory', /^fsync\(\d+<[^>]*\/episodes\/lab-1>/],
    ['append of the row', /^pwrite64\(\d+<[^>]*\/index\.jsonl>, "\{\\"host_id\\":\\"lab-1/],
    ['fsync of the row', /^fdatasync\(\d+<[^>]*\/index\.jsonl>/],
    ['unlink of the incoming name', /^unlink(?:at)?\(.*\/incoming\/lab-1~ep~/],
  ]);
});
