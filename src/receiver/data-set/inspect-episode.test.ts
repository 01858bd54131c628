import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar, type TarEntry } from 'modern-tar';
import { inspectEpisode } from './inspect-episode.ts';

const AT = new Date('2026-05-01T06:37:53.000Z');

function file(name: string, body = ''): TarEntry {
  return { header: { name, size: Buffer.byteLength(body), mtime: AT }, body };
}

async function tarOf(...entries: TarEntry[]): Promise<Buffer> {
  return Buffer.from(await packTar(entries));
}

async function packed(...entries: TarEntry[]): Promise<Readable> {
  return Readable.from(zstdCompressSync(await tarOf(...entries)));
}

test('meta.json and the files in the order of the tarball, without directories', async () => {
  const meta = { schema_version: '1', nested: { text: '<b>' } };
  const stream = await packed(
    { header: { name: 'e1/', type: 'directory', size: 0, mtime: AT } },
    file('e1/meta.json', JSON.stringify(meta)),
    file('e1/deep/er/data.bin', 'x'.repeat(70_000)),
    file('e1/empty'),
  );
  const modifiedAt = AT.toISOString();
  assert.deepEqual(await inspectEpisode(stream), {
    meta: JSON.parse(JSON.stringify(meta)),
    files: [
      { path: 'meta.json', sizeBytes: JSON.stringify(meta).length, modifiedAt },
      { path: 'deep/er/data.bin', sizeBytes: 70_000, modifiedAt },
      { path: 'empty', sizeBytes: 0, modifiedAt },
    ],
    isWhole: true,
  });
});

test('without a meta.json at the top that is JSON and of a page’s size there is none', async () => {
  for (const entries of [
    [file('e1/data')],
    [file('e1/meta.json', '{')],
    [file('e1/deep/meta.json', '{}')],
    [file('e1/meta.json', `"${'x'.repeat(1024 * 1024)}"`)],
  ]) {
    const { meta, isWhole, files } = await inspectEpisode(await packed(...entries));
    assert.deepEqual([meta, isWhole, files.length], [null, true, 1]);
  }
});

test('a thousand files and no more', async () => {
  const many = Array.from({ length: 1_001 }, (_, index) => file(`e1/${index}`));
  const whole = await inspectEpisode(await packed(...many.slice(1)));
  assert.deepEqual([whole.files.length, whole.isWhole], [1_000, true]);
  const more = await inspectEpisode(await packed(...many));
  assert.deepEqual([more.files.length, more.isWhole], [1_000, false]);
});

test('who has asked for it is told more: files, a large meta.json, whole paths', async () => {
  const meta = JSON.stringify('x'.repeat(1024 * 1024));
  const deep = Array(300).fill('deep').join('/');
  const many = Array.from({ length: 1_001 }, (_, index) => file(`e1/${index}`));
  const entries = [file('e1/meta.json', meta), file(`e1/${deep}`), ...many];
  const limits = { mostFiles: 1_003, mostMetaBytes: meta.length, longestPath: deep.length };
  const all = await inspectEpisode(await packed(...entries), limits);
  assert.deepEqual([all.files.length, all.isWhole, all.meta], [1_003, true, JSON.parse(meta)]);
  assert.equal(all.files[1]?.path, deep);
  const less = { mostFiles: 1_002, mostMetaBytes: meta.length - 1, longestPath: 4 };
  const some = await inspectEpisode(await packed(...entries), less);
  assert.deepEqual([some.files.length, some.isWhole, some.meta, some.files[1]?.path], [1_002, false, null, 'deep']);
});

test('what is damaged, cut or too large says so, with what was found before; its stream is closed', async () => {
  const entries = [file('e1/meta.json', '{"a":1}'), file('e1/data', 'x'.repeat(200_000)), file('e1/last', 'y')];
  const tar = await tarOf(...entries);
  const compressed = zstdCompressSync(tar);
  const cases: [what: string, stream: Readable, files: number, limits?: { mostBytes: number }][] = [
    ['no zstd', Readable.from(Buffer.from('no tarball at all')), 0],
    ['nothing', Readable.from(Buffer.alloc(0)), 0],
    ['no tar', Readable.from(zstdCompressSync(Buffer.alloc(2_000, 'x'))), 0],
    ['a cut tar', Readable.from(zstdCompressSync(tar.subarray(0, 100_000))), 2],
    ['a cut stream', Readable.from(compressed.subarray(0, compressed.length - 10)), 0],
    ['too large', Readable.from(compressed), 2, { mostBytes: 100_000 }],
  ];
  for (const [what, stream, files, limits] of cases) {
    const found = await inspectEpisode(stream, limits);
    assert.equal(found.isWhole, false, what);
    assert.ok(found.files.length >= files, `${what}: ${found.files.length} files`);
    assert.ok(stream.destroyed, what);
  }
});

test('terabytes of zeros in a few kilobytes end at the limit', async () => {
  const zeros = zstdCompressSync(Buffer.alloc(64 * 1024 ** 2));
  const { isWhole } = await inspectEpisode(Readable.from([zeros, zeros, zeros, zeros, zeros]));
  assert.equal(isWhole, false);
});

test('a stream that brings nothing more ends with the signal', async () => {
  const stop = new AbortController();
  const stream = new Readable({ read() {} });
  stream.push(zstdCompressSync(await tarOf(file('e1/meta.json', '{}'))).subarray(0, 20));
  const inspecting = inspectEpisode(stream, { signal: stop.signal });
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stop.abort(new Error('nobody waits for it'));
  assert.equal((await inspecting).isWhole, false);
  await closed;
});
