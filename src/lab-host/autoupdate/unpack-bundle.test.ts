import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TarEntry } from 'modern-tar';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { Manifest } from '../../protocol/release.ts';
import { bundleOf, type Files, manifestOf, NEW, OLD, PLATFORM, releaseFiles } from './autoupdate.fixture.ts';
import { unpackBundle } from './unpack-bundle.ts';

const GOOD: Files = { 'bin/cis490': { content: 'x', mode: '755' }, 'docs/a.md': 'one', 'docs/b.md': { link: 'a.md' } };
const extra = (name: string, more: object = {}): TarEntry => ({ header: { name, size: 0, type: 'file', ...more } });

async function unpack(root: string, bundle: Buffer): Promise<string> {
  const tree = join(root, 'inside/tree');
  writeFileSync(join(root, 'bundle'), bundle);
  await unpackBundle({
    bundle: join(root, 'bundle'),
    tree,
    expected: { commit: NEW, platform: PLATFORM },
    onManifest: async () => undefined,
  });
  return tree;
}

test('what is listed is there', async (t) => {
  const root = temporaryDirectory(t);
  const files = { ...releaseFiles(NEW), ...GOOD };
  mkdirSync(join(root, 'inside'));
  const tree = await unpack(root, await bundleOf(manifestOf(NEW, files), files));
  assert.deepEqual(readdirSync(tree).sort(), ['MANIFEST.json', 'behaviour', 'bin', 'docs', 'package.json', 'scripts']);
});

const withManifest = async (change: (manifest: Manifest) => unknown, files: Files = GOOD) => {
  const manifest = manifestOf(NEW, files);
  change(manifest);
  return await bundleOf(manifest, files);
};
const withFiles = async (files: Files) => await bundleOf(manifestOf(NEW, { ...GOOD, ...files }), { ...GOOD, ...files });

for (const [what, make, why] of [
  ['a path that leaves the tree', () => withFiles({ '../out': 'x' }), /"..\/out" is no path of a release/],
  ['a path that leaves it on the way', () => withFiles({ 'docs/../../out': 'x' }), /is no path of a release/],
  ['an absolute path', () => withFiles({ '/tmp/out': 'x' }), /"\/tmp\/out" is no path of a release/],
  ['a stamp of its own', () => withFiles({ VERSION: 'x' }), /"VERSION" is no path of a release/],
  ['an absolute link', () => withFiles({ 'docs/l': { link: '/etc' } }), /"docs\/l" is a link that leads elsewhere/],
  [
    'a link that leaves the tree',
    () => withFiles({ 'docs/l': { link: '../../out' } }),
    /is a link that leads elsewhere/,
  ],
  ['a file behind a link', () => withFiles({ 'docs/l': { link: '../bin' }, 'docs/l/x': 'x' }), /lies behind a link/],
  ['a file below a file', () => withFiles({ 'docs/a.md/x': 'x' }), /lies in what is no directory/],
  ['a path twice', () => withManifest((it) => it.files.push(...it.files)), /is there twice/],
  [
    'another sum',
    () => withManifest((it) => Object.assign(it, { bytes: it.bytes + 1 })),
    /its files are 4 bytes and not 5/,
  ],
  ['another commit', () => bundleOf(manifestOf(OLD, GOOD), GOOD), /its manifest is of a{40}/],
  ['a later format', () => withManifest((it) => Object.assign(it, { format: 2 })), /its manifest cannot be read/],
  ['a file that is not listed', () => bundleOf(manifestOf(NEW, GOOD), GOOD, [extra('more')]), /more in it than/],
  [
    'a directory',
    () => bundleOf(manifestOf(NEW, GOOD), GOOD, [extra('more/', { type: 'directory' })]),
    /more in it than/,
  ],
  [
    'a file that is missing',
    () => bundleOf(manifestOf(NEW, { ...GOOD, z: 'x' }), GOOD),
    /it has no "z" where it should/,
  ],
  [
    'other content',
    () => bundleOf(manifestOf(NEW, GOOD), { ...GOOD, 'docs/a.md': 'two' }),
    /"docs\/a.md" has another digest than is listed/,
  ],
  [
    'a link in place of a file',
    () => bundleOf(manifestOf(NEW, GOOD), { ...GOOD, 'docs/a.md': { link: 'b.md' } }),
    /"docs\/a.md" is not the file that is listed/,
  ],
  ['no bundle at all', async () => Buffer.from('<html>'), /is not as it should be/],
  ['half of it', async () => (await withFiles({})).subarray(0, 100), /is not as it should be/],
] as const) {
  test(`refused: ${what}`, async (t) => {
    const root = temporaryDirectory(t);
    mkdirSync(join(root, 'inside'));
    await assert.rejects(unpack(root, await make()), { code: 'release-malformed', message: why });
    assert.deepEqual(readdirSync(root).sort(), ['bundle', 'inside'], 'nothing outside of the tree');
    assert.equal(existsSync('/tmp/out'), false);
  });
}
