// What only files can come to: leftovers, damage by hand, a full disk.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Release } from '../../protocol/release.ts';
import type { BundleToStage } from '../releases.ts';
import { fillDisk, mountTmpfsOrSkip, temporaryDirectory } from '../storage.fixture.ts';
import { FilesystemReleases } from './filesystem-releases.ts';

const COMMIT = 'a'.repeat(40);
const DIRECTORY = `releases/12-${COMMIT}`;
const STEM = `cis490-${COMMIT}-linux-x64`;

function bundle(content = Buffer.from('a bundle')): BundleToStage & { release: Release } {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const release: Release = {
    ...{ release_number: 12, commit: COMMIT, platform: 'linux-x64', sha256, bytes: content.byteLength },
    signatures: [{ key_id: '0123456789abcdef', signature: 'AAAA' }],
  };
  return {
    release,
    content: (async function* () {
      yield content;
    })(),
  };
}

test('a publisher that was killed leaves nothing that is seen, and the next one removes it', async (t) => {
  const root = temporaryDirectory(t);
  const releases = new FilesystemReleases(root);
  // As SIGKILL leaves it: all written, not renamed.
  const staged = await releases.stage([bundle()]);
  const left = readdirSync(join(root, 'releases')).find((name) => name.startsWith('.staged-')) ?? '';
  cpSync(join(root, 'releases', left), join(root, 'releases/.staged-killed'), { recursive: true });
  await staged.discard();
  assert.deepEqual(await releases.list(), []);
  await (await releases.stage([bundle()])).publish();
  assert.deepEqual(readdirSync(join(root, 'releases')).sort(), ['.publish.lock.db', `12-${COMMIT}`]);
  assert.deepEqual(readdirSync(join(root, DIRECTORY)).sort(), [`${STEM}.json`, `${STEM}.tar.zst`]);
  for (const name of readdirSync(join(root, DIRECTORY)))
    assert.equal(statSync(join(root, DIRECTORY, name)).mode & 0o777, 0o444, name);
});

test('a bundle without its description is not there yet', async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, DIRECTORY), { recursive: true });
  writeFileSync(join(root, DIRECTORY, `${STEM}.tar.zst`), 'a bundle');
  const releases = new FilesystemReleases(root);
  assert.deepEqual(await releases.list(), []);
  const { release, content } = bundle();
  await (await releases.stage([{ release, content }])).publish();
  assert.deepEqual(await releases.list(), [release]);
});

const DAMAGE: [string, (directory: string) => void][] = [
  ['a directory of another number', (path) => renameSync(path, path.replace('12-', '13-'))],
  ['a directory that is no release’s', (path) => renameSync(path, path.replace('12-', 'old-12-'))],
  [
    'a description under another platform’s name',
    (path) => renameSync(join(path, `${STEM}.json`), join(path, `${STEM.replace('x64', 'arm64')}.json`)),
  ],
];

for (const [what, damage] of DAMAGE) {
  test(`${what} is left out`, async (t) => {
    const root = temporaryDirectory(t);
    const releases = new FilesystemReleases(root);
    await (await releases.stage([bundle()])).publish();
    assert.equal((await releases.list()).length, 1);
    damage(join(root, DIRECTORY));
    assert.deepEqual(await releases.list(), []);
  });
}

test('a description that cannot be read is told, and the others are still there', async (t) => {
  const root = temporaryDirectory(t);
  const log: string[] = [];
  const write = (line: Buffer, _encoding: string, done: () => void) => {
    log.push(String(line));
    done();
  };
  const releases = new FilesystemReleases(root, pino(new Writable({ write })));
  await (await releases.stage([bundle()])).publish();
  writeFileSync(join(root, DIRECTORY, `${STEM.replace('x64', 'arm64')}.json`), '{"release_number": 12');
  assert.equal((await releases.list()).length, 1);
  assert.match(log.join(''), /a release has no description that can be read/);
});

test('a full disk is told, and leaves nothing', async (t) => {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  mkdirSync(store);
  if (!mountTmpfsOrSkip(t, store, 'size=1m')) return;
  const releases = new FilesystemReleases(store);
  await (await releases.stage([bundle()])).discard();
  const { release } = await fillDisk(store);
  await assert.rejects(releases.stage([bundle(Buffer.alloc(300_000, 'x'))]), { code: 'disk-full' });
  await release();
  assert.deepEqual(readdirSync(join(store, 'releases')), ['.publish.lock.db']);
  await (await releases.stage([bundle(Buffer.alloc(300_000, 'x'))])).publish();
  assert.equal((await releases.list()).length, 1);
});
