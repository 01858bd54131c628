import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { packTar, type TarEntry } from 'modern-tar';
import { readPackedMeta } from './read-packed-meta.ts';

const COMMIT = 'a'.repeat(40);
const META = JSON.stringify({ schema_version: '7', code_version: { commit: COMMIT, dirty: true } });
const STAMP = { commit: COMMIT, dirty: true, schemaVersion: '7' };
const UNSTAMPED = { commit: undefined, dirty: false, schemaVersion: undefined };

const file = (name: string, body: string | Uint8Array<ArrayBuffer>): TarEntry => ({
  header: { name, size: Buffer.byteLength(body), type: 'file' },
  body,
});
const directory = (name: string): TarEntry => ({ header: { name, size: 0, type: 'directory' } });

async function pack(...entries: TarEntry[]): Promise<Buffer> {
  return zstdCompressSync(await packTar(entries));
}

/** The bytes as a disk gives them: in pieces. */
function stream(bytes: Uint8Array, pieceBytes = 64 * 1024): Readable {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return Readable.from(pieces);
}

describe('meta.json is the first entry', () => {
  for (const name of [
    'meta.json',
    './meta.json',
    'episode/meta.json',
    './episode/meta.json',
    '././meta.json',
    `${'d'.repeat(128)}/meta.json`,
  ]) {
    test(name, async () =>
      assert.deepEqual(await readPackedMeta(stream(await pack(file(name, META), file('x', 'y')))), STAMP),
    );
  }

  test('in the smallest pieces', async () => {
    assert.deepEqual(await readPackedMeta(stream(await pack(file('e/meta.json', META)), 1)), STAMP);
  });

  test('of the largest size that is read', async () => {
    const large = META + ' '.repeat(16 * 1024 ** 2 - META.length);
    assert.deepEqual(await readPackedMeta(stream(await pack(file('e/meta.json', large)))), STAMP);
    assert.deepEqual(await readPackedMeta(stream(await pack(file('e/meta.json', `${large} `)))), UNSTAMPED);
  });

  test('and only the beginning is read', async () => {
    const tarball = await pack(
      file('e/meta.json', META),
      file('e/x', Buffer.from(Float64Array.from({ length: (4 * 1024 ** 2) / 8 }, Math.random).buffer)),
    );
    let pulledBytes = 0;
    const counted = Readable.from(
      (function* () {
        for (let at = 0; at < tarball.length; at += 1024) {
          pulledBytes = at;
          yield tarball.subarray(at, at + 1024);
        }
      })(),
    );
    assert.deepEqual(await readPackedMeta(counted), STAMP);
    assert.ok(pulledBytes < tarball.length / 2, `${pulledBytes} of ${tarball.length}`);
    assert.equal(counted.destroyed, true);
  });

  test('with content that is no stamp', async () => {
    for (const text of ['', '{', 'null', '\0', '{"code_version":1}']) {
      assert.deepEqual(await readPackedMeta(stream(await pack(file('e/meta.json', text)))), UNSTAMPED);
    }
  });
});

describe('meta.json after others, as tar packs a directory', () => {
  for (const [title, entries] of [
    ['a directory', [directory('e/'), file('e/meta.json', META)]],
    ['files', [file('e/a', 'x'.repeat(3_000_000)), file('e/b', ''), file('e/meta.json', META)]],
    ['one of the same name further down', [file('e/a/meta.json', '{}'), file('e/meta.json', META)]],
  ] satisfies [string, TarEntry[]][]) {
    test(title, async () => assert.deepEqual(await readPackedMeta(stream(await pack(...entries))), STAMP));
  }

  test('not after more than is sensible', async () => {
    const zeros = file('e/a', Buffer.alloc(257 * 1024 ** 2));
    assert.deepEqual(await readPackedMeta(stream(await pack(zeros, file('e/meta.json', META)))), UNSTAMPED);
  });
});

describe('unstamped', () => {
  for (const [title, entries] of [
    ['meta.json lies deeper', [file('e/a/meta.json', META)]],
    ['another name', [file('e/meta.json.bak', META)]],
    ['another ending of a name', [file('xmeta.json', META)]],
    ['a directory called meta.json', [directory('meta.json/')]],
    ['nothing', []],
  ] satisfies [string, TarEntry[]][]) {
    test(title, async () => assert.deepEqual(await readPackedMeta(stream(await pack(...entries))), UNSTAMPED));
  }

  test('no tarball', async () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('no zstd'),
      zstdCompressSync('no tar'),
      zstdCompressSync(Buffer.alloc(100_000, 1)),
    ]) {
      assert.deepEqual(await readPackedMeta(stream(bytes)), UNSTAMPED);
    }
  });

  test('cut off anywhere before the end of meta.json', async () => {
    const tarball = await pack(file('e/meta.json', META));
    for (let length = 0; length < tarball.length - 40; length += 7) {
      const stamp = await readPackedMeta(stream(tarball.subarray(0, length)));
      assert.ok(stamp.commit === undefined || stamp.commit === COMMIT);
    }
    assert.deepEqual(await readPackedMeta(stream(tarball.subarray(0, 30))), UNSTAMPED);
  });

  test('a disk that fails', async () => {
    const failing = new Readable({ read: () => failing.destroy(new Error('EIO')) });
    assert.deepEqual(await readPackedMeta(failing), UNSTAMPED);
  });
});

test('no bytes make it throw', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.uint8Array({ maxLength: 2_000 }).map((content) => zstdCompressSync(content)),
    fc.tuple(fc.nat(511), fc.nat(255)).map(([at, value]) => {
      const tar = Buffer.from(GOOD_TAR);
      tar[at] = value;
      return zstdCompressSync(tar);
    }),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (tarball) => {
      const { commit } = await readPackedMeta(stream(tarball, 100));
      assert.ok(commit === undefined || commit === COMMIT);
    }),
    { numRuns: 300 },
  );
});

const GOOD_TAR = await packTar([file('e/meta.json', META)]);
