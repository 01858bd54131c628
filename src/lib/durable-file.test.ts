import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fsyncDirectory, fsyncPath, toJsonFile, writeFileDurably } from './durable-file.ts';

function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cis490-durable-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

for (const [what, content] of [
  ['text', 'ünïcode\n'],
  ['bytes', Buffer.from([0, 255, 10, 128])],
  ['nothing', ''],
  ['much', Buffer.alloc(3_000_001, 'x')],
] as const) {
  test(`${what} is written whole, and nothing else is left`, async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'file');
    await writeFileDurably(path, content);
    assert.ok(readFileSync(path).equals(Buffer.from(content)));
    assert.deepEqual(readdirSync(directory), ['file']);
  });
}

test('what was there is replaced, by a file of its own', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, 'an older and longer content');
  const { ino } = statSync(path);
  await writeFileDurably(path, 'new');
  assert.equal(readFileSync(path, 'utf8'), 'new');
  assert.notEqual(statSync(path).ino, ino, 'written in place: a crash would leave a part');
});

test('a reader meanwhile has the old content or the new, whole', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  const contents = ['a', 'b'].map((letter) => letter.repeat(2_000_000));
  await writeFileDurably(path, contents[0] ?? '');
  let writing = true;
  const write = writeFileDurably(path, contents[1] ?? '').finally(() => {
    writing = false;
  });
  let reads = 0;
  while (writing) {
    assert.ok(contents.includes(readFileSync(path, 'utf8')), 'neither the old content nor the new');
    reads += 1;
    await nextTurn();
  }
  await write;
  assert.ok(reads > 0);
});

test('writers of one file at once do not disturb each other', async (t) => {
  const directory = temporaryDirectory(t);
  const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(50_000));
  await Promise.all(contents.map((content) => writeFileDurably(join(directory, 'file'), content)));
  assert.ok(contents.includes(readFileSync(join(directory, 'file'), 'utf8')));
  assert.deepEqual(readdirSync(directory), ['file']);
});

test('the mode is the one that was asked for', async (t) => {
  const path = join(temporaryDirectory(t), 'secret');
  await writeFileDurably(path, 'x', { mode: 0o600 });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a temporary path is used and gone afterwards, when it failed too', async (t) => {
  const directory = temporaryDirectory(t);
  const [path, temporaryPath] = [join(directory, 'file'), join(directory, 'elsewhere')];
  writeFileSync(temporaryPath, 'left by a crash, and longer than what comes');
  await writeFileDurably(path, 'new', { temporaryPath });
  assert.equal(readFileSync(path, 'utf8'), 'new');
  assert.deepEqual(readdirSync(directory), ['file']);
  mkdirSync(join(directory, 'target', 'full'), { recursive: true });
  await assert.rejects(writeFileDurably(join(directory, 'target'), 'new', { temporaryPath }));
  assert.deepEqual(readdirSync(directory).sort(), ['file', 'target']);
});

test('a failure leaves the old content and says why', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'file');
  writeFileSync(path, 'old');
  const temporaryPath = join(directory, 'missing', 'temporary');
  await assert.rejects(writeFileDurably(path, 'new', { temporaryPath }), { code: 'ENOENT' });
  assert.equal(readFileSync(path, 'utf8'), 'old');
});

test('fsync of a directory and of a read-only file; of what is missing it fails', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'file');
  writeFileSync(path, 'x', { mode: 0o444 });
  await fsyncDirectory(directory);
  await fsyncPath(path);
  await assert.rejects(fsyncPath(join(directory, 'missing')), { code: 'ENOENT' });
  await assert.rejects(fsyncDirectory(join(directory, 'missing')), { code: 'ENOENT' });
});

test('a JSON file is indented and ends with a newline', () => {
  assert.equal(toJsonFile({ a: [1] }), '{\n  "a": [\n    1\n  ]\n}\n');
});
