import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { noStepObserver } from '../../lib/after-step.ts';
import type { BlobKey, BlobWrite } from '../blob-store.ts';
import { fillDisk, mountOrSkip, mountTmpfsOrSkip, temporaryDirectory } from '../storage.fixture.ts';
import type { StorageStep } from '../storage-step.ts';
import { FilesystemBlobStore } from './filesystem-blob-store.ts';

const KEY: BlobKey = { hostId: 'h1', episodeId: 'e1' };
const CONTENT = Buffer.from('an episode');

interface Opened {
  root: string;
  blobs: FilesystemBlobStore;
  steps: StorageStep[];
  incoming(): string[];
}

/** `onStep` may do to the directory what a disk would. */
async function open(root: string, onStep: (step: StorageStep) => void = noStepObserver): Promise<Opened> {
  const steps: StorageStep[] = [];
  const blobs = await FilesystemBlobStore.open(root, (step) => {
    steps.push(step);
    onStep(step);
  });
  return { root, blobs, steps, incoming: () => readdirSync(join(root, 'incoming')) };
}

async function received(blobs: FilesystemBlobStore, key: BlobKey, content: Uint8Array = CONTENT): Promise<BlobWrite> {
  const write = await blobs.begin({ key, sha256: createHash('sha256').update(content).digest('hex') });
  await write.write(Buffer.from(content));
  return write;
}

test('the durable order of a commit, and what lies where after each of its steps', async (t) => {
  const root = temporaryDirectory(t);
  const final = join(root, 'episodes', 'h1', 'e1.tar.zst');
  const links: [StorageStep, incoming: number, published: boolean][] = [];
  const { blobs, incoming } = await open(root, (step) => {
    links.push([step, readdirSync(join(root, 'incoming')).length, existsSync(final)]);
  });
  const write = await received(blobs, KEY);
  assert.deepEqual(await write.commit(), { kind: 'created' });
  await write.finish();
  assert.deepEqual(links, [
    ['incoming-opened', 1, false],
    ['incoming-written', 1, false],
    ['incoming-synced', 1, false],
    ['published', 1, true],
    ['directory-synced', 1, true],
    ['incoming-unlinked', 0, true],
  ]);
  assert.equal(blobs.pathInRow(KEY), 'episodes/h1/e1.tar.zst');
  assert.deepEqual(readFileSync(final), CONTENT);
  assert.equal(statSync(final).mode & 0o777, 0o444);
  assert.deepEqual(incoming(), []);
});

test('a body of a mismatched digest is discarded before it is published', async (t) => {
  const { blobs, steps, incoming } = await open(temporaryDirectory(t));
  const write = await blobs.begin({ key: KEY, sha256: '0'.repeat(64) });
  await write.write(randomBytes(2 * 1024 * 1024));
  assert.equal((await write.commit()).kind, 'mismatch');
  assert.ok(!steps.includes('published'));
  assert.deepEqual(incoming(), []);
});

test('what is written after abort is refused, and makes no file', async (t) => {
  const { blobs, incoming } = await open(temporaryDirectory(t));
  const write = await received(blobs, KEY);
  await write.abort();
  await assert.rejects(write.write(randomBytes(2 * 1024 * 1024)), /discarded/);
  assert.deepEqual(incoming(), []);
});

for (const [what, options] of [
  ['another filesystem', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs']],
  ['a bind mount of the same filesystem', ['--bind', '$other']],
] as const) {
  test(`incoming/ as ${what}: not-one-filesystem`, async (t) => {
    const root = temporaryDirectory(t);
    const other = join(root, 'other');
    for (const name of ['episodes', 'incoming', 'other']) mkdirSync(join(root, name));
    const filled = options.map((option) => option.replace('$other', other));
    if (!mountOrSkip(t, join(root, 'incoming'), filled)) return;
    await assert.rejects(open(root), { code: 'not-one-filesystem' });
  });
}

test('opening leaves nothing behind in incoming/ and episodes/', async (t) => {
  const { root, incoming } = await open(temporaryDirectory(t));
  assert.deepEqual([...incoming(), ...readdirSync(join(root, 'episodes'))], []);
});

test('recover: a body that a backup has linked is not published', async (t) => {
  const root = temporaryDirectory(t);
  const { blobs, incoming } = await open(root);
  const body = join(root, 'incoming', 'h1~e1~0011223344556677');
  writeFileSync(body, 'half of an epi');
  linkSync(body, join(root, 'backup'));
  assert.deepEqual((await blobs.recover()).unfinished, []);
  assert.deepEqual(incoming(), []);
});

test('recover: a body under the name of another’s published blob is dropped, and the blob stays', async (t) => {
  const root = temporaryDirectory(t);
  const { blobs, incoming } = await open(root);
  const write = await received(blobs, KEY);
  await write.commit();
  await write.finish();
  const body = join(root, 'incoming', 'h1~e1~0011223344556677');
  writeFileSync(body, 'a second PUT');
  linkSync(body, join(root, 'backup'));
  assert.deepEqual((await blobs.recover()).unfinished, []);
  assert.deepEqual(incoming(), []);
  assert.equal((await blobs.stat(KEY))?.sizeBytes, CONTENT.byteLength);
});

test('list: what lies among the blobs and is none is told, by the path that a row would have', async (t) => {
  const root = temporaryDirectory(t);
  const { blobs } = await open(root);
  for (const episodeId of ['a-b', 'a', 'a.b']) {
    await (await received(blobs, { hostId: 'h1', episodeId })).commit();
  }
  const episodes = join(root, 'episodes');
  for (const name of ['h1/.hidden', 'h1/noise', 'h1/a.tar', 'h1/ü.tar.zst', 'h1/.tar.zst', 'stray.tar.zst']) {
    writeFileSync(join(episodes, name), 'x');
  }
  mkdirSync(join(episodes, 'h1', 'deep.tar.zst'));
  mkdirSync(join(episodes, 'lost+found'));
  symlinkSync('a.tar.zst', join(episodes, 'h1', 'z.tar.zst'));
  const listed = await Array.fromAsync(blobs.list());
  assert.deepEqual(
    listed.flatMap((one) => (one.kind === 'blob' ? [one.key.episodeId] : [])),
    ['a', 'a-b', 'a.b'],
  );
  assert.deepEqual(listed.flatMap((one) => (one.kind === 'foreign' ? [one.path] : [])).toSorted(), [
    'episodes/h1/.hidden',
    'episodes/h1/.tar.zst',
    'episodes/h1/a.tar',
    'episodes/h1/deep.tar.zst',
    'episodes/h1/noise',
    'episodes/h1/z.tar.zst',
    'episodes/h1/ü.tar.zst',
    'episodes/lost+found',
    'episodes/stray.tar.zst',
  ]);
});

test('stat tells when the content was last written', async (t) => {
  const root = temporaryDirectory(t);
  const { blobs } = await open(root);
  await (await received(blobs, KEY)).commit();
  utimesSync(join(root, 'episodes', 'h1', 'e1.tar.zst'), 0, 1_777_617_473.5);
  assert.equal((await blobs.stat(KEY))?.storedAtWall, '2026-05-01T06:37:53.500000+00:00');
});

test('recover: names that are none of ours are removed, directories are left alone', async (t) => {
  const root = temporaryDirectory(t);
  const { blobs, incoming } = await open(root);
  for (const name of ['noise', 'a~b', '.hidden', '~~']) writeFileSync(join(root, 'incoming', name), 'x');
  mkdirSync(join(root, 'incoming', 'lost+found'));
  assert.deepEqual((await blobs.recover()).unfinished, []);
  assert.deepEqual(incoming(), ['lost+found']);
});

test('a failed fsync of the directory: sync-failed for this commit and for all after it, and the next start knows of the blob', async (t) => {
  const root = temporaryDirectory(t);
  const [host, away] = [join(root, 'episodes', 'h1'), join(root, 'away')];
  let failing = false;
  // The blob is linked, but its directory cannot be opened for fsync.
  const { blobs, incoming } = await open(root, (step) => {
    if (failing && step === 'published') renameSync(host, away);
  });
  await (await received(blobs, { ...KEY, episodeId: 'e0' })).commit();
  failing = true;
  const write = await received(blobs, KEY);
  await assert.rejects(write.commit(), { code: 'sync-failed' });
  await write.abort();
  assert.equal(incoming().filter((name) => name.startsWith('h1~e1~')).length, 1);

  failing = false;
  renameSync(away, host);
  const sameKey = await received(blobs, KEY);
  await assert.rejects(sameKey.commit(), { code: 'sync-failed' }, 'told as there, though its name may be lost');
  await sameKey.abort();
  const otherKey = await received(blobs, { ...KEY, episodeId: 'e2' });
  await assert.rejects(otherKey.commit(), { code: 'sync-failed' });

  await assert.rejects(blobs.remove({ ...KEY, episodeId: 'e0' }), { code: 'sync-failed' });

  const { blobs: next } = await open(root);
  const unfinished = (await next.recover()).unfinished.map(({ key }) => key.episodeId);
  assert.ok(unfinished.includes('e1'));
});

test('those who wait for the fsync that fails are refused with it', async (t) => {
  const root = temporaryDirectory(t);
  const [host, away] = [join(root, 'episodes', 'h1'), join(root, 'away')];
  let published = 0;
  const { blobs } = await open(root, (step) => {
    if (step === 'published') published += 1;
    if (step === 'published' && published === 2) renameSync(host, away);
  });
  await (await received(blobs, { ...KEY, episodeId: 'e0' })).commit();
  const writes = await Promise.all(
    Array.from({ length: 10 }, (_, index) => received(blobs, { ...KEY, episodeId: `w${index}` })),
  );
  const commits = await Promise.allSettled(writes.map((write) => write.commit()));
  assert.ok(commits.every((commit) => commit.status === 'rejected'));
  assert.ok(commits.some((commit) => commit.status === 'rejected' && commit.reason.code === 'sync-failed'));
});

test('a host’s directory that somebody removed is made again', async (t) => {
  const { root, blobs } = await open(temporaryDirectory(t));
  await (await received(blobs, KEY)).commit();
  rmSync(join(root, 'episodes', 'h1'), { recursive: true });
  await assert.rejects((await received(blobs, KEY)).commit(), { code: 'ENOENT' });
  assert.deepEqual(await (await received(blobs, KEY)).commit(), { kind: 'created' });
});

test('disk full while a body is written: disk-full, nothing stays, and a body that fits goes through', async (t) => {
  const opened = await openSmall(t, 'size=4m');
  if (!opened) return;
  const { blobs, incoming, root } = opened;
  const before = await blobs.freeBytes();
  const content = randomBytes(6 * 1024 * 1024);
  const write = await blobs.begin({ key: KEY, sha256: createHash('sha256').update(content).digest('hex') });
  const writeAll = async () => {
    for (let offset = 0; offset < content.byteLength; offset += 65_536) {
      await write.write(Buffer.from(content.subarray(offset, offset + 65_536)));
    }
    await write.commit();
  };
  await assert.rejects(writeAll(), { code: 'disk-full', retryable: true });
  await write.abort();
  assert.deepEqual(incoming(), []);
  assert.deepEqual(readdirSync(join(root, 'episodes')), []);
  assert.equal(await blobs.freeBytes(), before);
  const fitting = await received(blobs, KEY, content.subarray(0, 3 * 1024 * 1024));
  assert.deepEqual(await fitting.commit(), { kind: 'created' });
});

test('disk full: a small body that first meets the disk at its commit', async (t) => {
  const opened = await openSmall(t, 'size=1m');
  if (!opened) return;
  const { blobs, root, incoming } = opened;
  const filler = await fillDisk(root);
  const write = await received(blobs, KEY, randomBytes(10_000));
  await assert.rejects(write.commit(), { code: 'disk-full' });
  await write.abort();
  assert.deepEqual(incoming(), []);
  assert.equal(await blobs.stat(KEY), undefined);
  await filler.release();
  assert.deepEqual(await (await received(blobs, KEY)).commit(), { kind: 'created' });
});

test('no inode left for the directory of a new host: disk-full, and the host can come later', async (t) => {
  // The root, episodes/, incoming/ and one file.
  const opened = await openSmall(t, 'size=1m,nr_inodes=4');
  if (!opened) return;
  const { blobs, root, incoming } = opened;
  const write = await received(blobs, KEY);
  await assert.rejects(write.commit(), { code: 'disk-full' });
  await write.abort();
  assert.deepEqual(incoming(), []);
  if (!mountOrSkip(t, root, ['-o', 'remount,nr_inodes=10'])) return;
  assert.deepEqual(await (await received(blobs, KEY)).commit(), { kind: 'created' });
});

async function openSmall(t: TestContext, options: string): Promise<Opened | undefined> {
  const root = join(temporaryDirectory(t), 'small');
  mkdirSync(root);
  return mountTmpfsOrSkip(t, root, options) ? await open(root) : undefined;
}
