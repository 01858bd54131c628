import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { type ParsedTarEntryWithData, unpackTar } from 'modern-tar';
import { sha256 } from '../../../test/support/episodes.ts';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { type DataLayout, dataLayout, makeDataDirectories, outboxFiles } from '../data-layout.ts';
import { discardPacked, packEpisode } from './pack-episode.ts';
import type { ShipperStep } from './shipper-step.ts';

const COMMIT = 'a'.repeat(40);
const UNSTAMPED = { commit: undefined, dirty: false, schemaVersion: undefined };
const MIB = 1024 ** 2;
const NEVER = new AbortController().signal;
const META = JSON.stringify({ schema_version: '7', code_version: { commit: COMMIT, dirty: true } });

let root: string;
let layout: DataLayout;

beforeEach(async () => {
  root = makeDirectory();
  layout = dataLayout(root);
  await makeDataDirectories(layout);
});
afterEach(() => removeDirectory(root));

function write(episodeId: string, files: Record<string, string | Uint8Array>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(layout.episodes, episodeId, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
  }
}

const pack = (episodeId: string, afterStep: AfterStep<ShipperStep> = noStepObserver, stop = NEVER) =>
  packEpisode({ layout, zstdLevel: 3, afterStep, onWork: () => undefined }, episodeId, stop);

/** Runs `act` at one step of the next packing. */
const at =
  (step: ShipperStep, act: () => void): AfterStep<ShipperStep> =>
  (reached) => {
    if (reached === step) act();
  };

const unpack = (path: string): Promise<ParsedTarEntryWithData[]> => unpackTar(zstdDecompressSync(readFileSync(path)));

const textOf = (entry: ParsedTarEntryWithData | undefined) => Buffer.from(entry?.data ?? []).toString();

describe('a packed episode', () => {
  test('is what its description says', async () => {
    write('e', { 'meta.json': META, 'data.csv': 'a,b\n' });
    const { kind, packed } = await pack('e');
    const bytes = readFileSync(packed.tarballPath);
    assert.equal(kind, 'packed');
    assert.deepEqual(packed, {
      episodeId: 'e',
      tarballPath: join(layout.outbox, 'e.tar.zst'),
      sha256: sha256(bytes),
      sizeBytes: bytes.length,
      sourceBytes: META.length + 4,
      stamp: { commit: COMMIT, dirty: true, schemaVersion: '7' },
    });
    const sidecar = JSON.parse(readFileSync(join(layout.outbox, 'e.json'), 'utf8'));
    const { mtimeMs } = statSync(join(layout.episodes, 'e/data.csv'));
    assert.deepEqual(sidecar, {
      episode_id: 'e',
      sha256: packed.sha256,
      bytes: packed.sizeBytes,
      source: { files: 2, bytes: packed.sourceBytes, newest_change_ms: Math.floor(mtimeMs) },
    });
    assert.deepEqual(readdirSync(layout.outbox).sort(), ['e.json', 'e.tar.zst']);
  });

  test('holds everything, in order, under its own name, and nothing of this machine', async () => {
    write('e', {
      'z.bin': new Uint8Array(100_000).fill(7),
      'meta.json': META,
      'a/b': 'x',
      'receipt.json': '{}',
      empty: '',
    });
    mkdirSync(join(layout.episodes, 'e/hollow'));
    symlinkSync('../up', join(layout.episodes, 'e/link'));
    linkSync(join(layout.episodes, 'e/a/b'), join(layout.episodes, 'e/same'));
    // Only root can give a file away; for anybody else no file is root's to begin with.
    if (process.getuid?.() === 0) chownSync(join(layout.episodes, 'e/z.bin'), 1234, 1234);
    const { packed } = await pack('e');
    const entries = await unpack(packed.tarballPath);
    assert.deepEqual(
      entries.map(({ header }) => `${header.type} ${header.name}`),
      [
        'file e/meta.json',
        'directory e/a/',
        'file e/a/b',
        'file e/empty',
        'directory e/hollow/',
        'symlink e/link',
        'link e/same',
        'file e/z.bin',
      ],
    );
    assert.equal(textOf(entries[0]), META);
    assert.equal(textOf(entries[2]), 'x');
    assert.equal(entries[5]?.header.linkname, '../up');
    assert.equal(entries[6]?.header.linkname, 'e/a/b');
    assert.deepEqual(entries[7]?.data && Buffer.from(entries[7].data), Buffer.alloc(100_000, 7));
    for (const { header } of entries) {
      assert.deepEqual([header.uid, header.gid, header.uname ?? '', header.gname ?? ''], [0, 0, '', '']);
      assert.equal(header.mtime?.getMilliseconds(), 0);
    }
  });

  test('has the same bytes when it is packed again from the same tree', async () => {
    write('e', { 'meta.json': META, 'a/b': 'x', c: 'y', 'd/e/f': 'z' });
    const first = await pack('e');
    const before = readFileSync(first.packed.tarballPath);
    await discardPacked(layout, 'e');
    assert.deepEqual(readdirSync(layout.outbox), []);
    renameSync(join(layout.episodes, 'e'), join(layout.episodes, 'aside'));
    write('e', { 'd/e/f': 'z', c: 'y', 'a/b': 'x', 'meta.json': META });
    for (const path of ['meta.json', 'a/b', 'c', 'd/e/f', 'a', 'd', 'd/e']) {
      const { atime, mtime } = statSync(join(layout.episodes, 'aside', path));
      utimesSync(join(layout.episodes, 'e', path), atime, mtime);
    }
    const { kind, packed } = await pack('e');
    assert.equal(kind, 'packed');
    assert.equal(packed.sha256, first.packed.sha256);
    assert.deepEqual(readFileSync(packed.tarballPath), before);
  });

  test('carries names that are long, odd or not of ASCII', async () => {
    const names = ['n'.repeat(255), `${'d'.repeat(200)}/${'f'.repeat(200)}`, 'new\nline', 'ünï-日本', '-rf'];
    write('e', Object.fromEntries(names.map((name) => [name, name])));
    const entries = await unpack((await pack('e')).packed.tarballPath);
    const files = entries.filter(({ header }) => header.type === 'file');
    assert.deepEqual(files.map(textOf).sort(), names.toSorted());
    for (const entry of files) assert.equal(entry.header.name, `e/${textOf(entry)}`);
  });

  test('is the same whether or not it fits in one piece', async () => {
    const lines = Array.from({ length: 2_000 }, (_, n) => `${n},${n * 7919}\n`).join('');
    for (const bytes of [0, 1, 255 * 1024, 256 * 1024, 257 * 1024, 3 * MIB + 7]) {
      const content = Buffer.alloc(bytes, lines);
      const noise = randomBytes(Math.floor(bytes / 2));
      write('e', { 'meta.json': META, data: content, noise });
      const { packed } = await pack('e');
      const entries = await unpack(packed.tarballPath);
      const digests = entries.slice(1).map(({ data }) => sha256(Buffer.from(data ?? [])));
      assert.deepEqual(digests, [sha256(content), sha256(noise)]);
      rmSync(join(layout.episodes, 'e'), { recursive: true });
    }
  });

  test('ends with two blocks of zeros, as tar demands', async () => {
    write('e', { 'meta.json': META });
    const tar = zstdDecompressSync(readFileSync((await pack('e')).packed.tarballPath));
    assert.equal(tar.byteLength, 4 * 512);
    assert.deepEqual(tar.subarray(-1024), Buffer.alloc(1024));
  });

  test('may hold thousands of files', async () => {
    write('e', Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`f${n}`, String(n)])));
    const entries = await unpack((await pack('e')).packed.tarballPath);
    assert.equal(entries.length, 5_000);
    for (const entry of entries) assert.equal(entry.header.name, `e/f${textOf(entry)}`);
  });

  test('may be empty, or without meta.json: then it is unstamped', async () => {
    mkdirSync(join(layout.episodes, 'e'));
    const { packed } = await pack('e');
    assert.deepEqual(await unpack(packed.tarballPath), []);
    assert.deepEqual(packed.stamp, UNSTAMPED);
  });

  test('passes its steps in the durable order', async () => {
    write('e', { 'meta.json': META });
    const steps: [ShipperStep, string[]][] = [];
    await pack('e', (step) => steps.push([step, readdirSync(layout.outbox).sort()]));
    assert.deepEqual(steps, [
      ['partial-opened', ['e.tar.zst.partial']],
      ['partial-written', ['e.tar.zst.partial']],
      ['partial-synced', ['e.tar.zst.partial']],
      ['sidecar-written', ['e.json', 'e.tar.zst.partial']],
      ['tarball-renamed', ['e.json', 'e.tar.zst']],
      ['outbox-synced', ['e.json', 'e.tar.zst']],
    ]);
  });
});

describe('a tarball that is there', () => {
  const sidecarPath = () => outboxFiles(layout, 'e').sidecar;
  const tarballPath = () => outboxFiles(layout, 'e').tarball;
  const rewriteSidecar = (change: (sidecar: { source: Record<string, unknown> } & Record<string, unknown>) => void) => {
    const sidecar = JSON.parse(readFileSync(sidecarPath(), 'utf8'));
    change(sidecar);
    writeFileSync(sidecarPath(), JSON.stringify(sidecar));
  };

  test('is taken as it is', async () => {
    write('e', { 'meta.json': META, data: 'x' });
    const first = await pack('e');
    const { ino, mtimeMs } = statSync(tarballPath());
    const again = await pack('e', () => assert.fail('packed anew'));
    assert.equal(again.kind, 'found');
    assert.deepEqual(again.packed, first.packed);
    assert.deepEqual([statSync(tarballPath()).ino, statSync(tarballPath()).mtimeMs], [ino, mtimeMs]);
  });

  const spoil: [title: string, act: () => void][] = [
    ['the source has one more file', () => write('e', { more: '' })],
    ['the source has one file less', () => rmSync(join(layout.episodes, 'e/data'))],
    ['the source has other bytes', () => appendFileSync(join(layout.episodes, 'e/data'), 'y')],
    ['the source was written later', () => utimesSync(join(layout.episodes, 'e/data'), 1, 4_000_000_000)],
    ['no sidecar', () => rmSync(sidecarPath())],
    ['an empty sidecar', () => writeFileSync(sidecarPath(), '')],
    ['a torn sidecar', () => truncateSync(sidecarPath(), 20)],
    ['a sidecar that is no object', () => writeFileSync(sidecarPath(), '[]')],
    ['a sidecar with a bad digest', () => rewriteSidecar((it) => Object.assign(it, { sha256: 'x' }))],
    ['a sidecar of another size', () => rewriteSidecar((it) => Object.assign(it, { bytes: 1 }))],
    ['a sidecar without the state of the source', () => rewriteSidecar((it) => Object.assign(it, { source: null }))],
    ['a sidecar of other files', () => rewriteSidecar((it) => Object.assign(it.source, { files: 1 }))],
    ['a sidecar of other bytes', () => rewriteSidecar((it) => Object.assign(it.source, { bytes: 1 }))],
    ['a sidecar of another time', () => rewriteSidecar((it) => Object.assign(it.source, { newest_change_ms: 1 }))],
    ['a longer tarball', () => appendFileSync(tarballPath(), 'x')],
    ['a shorter tarball', () => truncateSync(tarballPath(), 10)],
    ['a sidecar alone', () => rmSync(tarballPath())],
    ['a partial of a crash', () => renameSync(tarballPath(), outboxFiles(layout, 'e').partial)],
  ];
  for (const [title, act] of spoil) {
    test(`is packed anew: ${title}`, async () => {
      write('e', { 'meta.json': META, data: 'x' });
      await pack('e');
      act();
      const old = at('partial-opened', () => assert.equal(existsSync(tarballPath()), false));
      const { kind, packed } = await pack('e', old);
      assert.equal(kind, 'packed');
      const bytes = readFileSync(tarballPath());
      assert.equal(packed.sha256, sha256(bytes));
      assert.equal(packed.sizeBytes, bytes.length);
      assert.deepEqual(readdirSync(layout.outbox).sort(), ['e.json', 'e.tar.zst']);
      assert.equal((await pack('e')).kind, 'found');
    });
  }

  test('of another episode is not touched by discarding', async () => {
    write('e', { data: 'x' });
    write('e.tar.zst', { data: 'x' });
    await pack('e');
    await pack('e.tar.zst');
    await discardPacked(layout, 'e');
    assert.deepEqual(readdirSync(layout.outbox).sort(), ['e.tar.zst.json', 'e.tar.zst.tar.zst']);
    await discardPacked(layout, 'e');
  });
});

describe('an episode that cannot be packed', () => {
  const nothingIsLeft = () => {
    assert.equal(existsSync(outboxFiles(layout, 'e').tarball), false);
    assert.equal(existsSync(outboxFiles(layout, 'e').partial), false);
  };

  for (const [title, change] of [
    ['grows', () => appendFileSync(join(layout.episodes, 'e/data'), 'more')],
    ['shrinks', () => truncateSync(join(layout.episodes, 'e/data'), 1)],
    ['is written again', () => utimesSync(join(layout.episodes, 'e/data'), 1, 4_000_000_000)],
    ['gets another file', () => write('e', { more: '' })],
    ['loses a directory', () => rmdirSync(join(layout.episodes, 'e/hollow'))],
  ] satisfies [string, () => void][]) {
    test(`it ${title} while it is packed; afterwards it can be packed`, async () => {
      write('e', { 'meta.json': META, data: 'four' });
      mkdirSync(join(layout.episodes, 'e/hollow'));
      await assert.rejects(pack('e', at('partial-opened', change)), { code: 'episode-changing', retryable: true });
      nothingIsLeft();
      const { kind, packed } = await pack('e');
      assert.equal(kind, 'packed');
      const data = (await unpack(packed.tarballPath)).find(({ header }) => header.name === 'e/data');
      assert.equal(textOf(data), readFileSync(join(layout.episodes, 'e/data'), 'utf8'));
    });
  }

  test('a stop ends it between two chunks', async () => {
    write('e', { 'meta.json': META, data: randomBytes(8 * MIB) });
    const stop = new AbortController();
    const steps: ShipperStep[] = [];
    const afterStep = (step: ShipperStep) => {
      steps.push(step);
      stop.abort(new Error('stopped'));
    };
    await assert.rejects(pack('e', afterStep, stop.signal), { message: 'stopped' });
    assert.deepEqual(steps, ['partial-opened']);
    nothingIsLeft();
    assert.equal((await pack('e')).kind, 'packed');
  });

  test('its meta.json is a pipe: nobody waits for a writer', async (t) => {
    if (!hasSystemPart(t, ['mkfifo', '--version'], 'coreutils')) return;
    write('e', { data: 'x' });
    execFileSync('mkfifo', [join(layout.episodes, 'e/meta.json')]);
    await assert.rejects(pack('e'), {
      code: 'episode-malformed',
      message: /^"meta\.json" is a socket, pipe or device/,
    });
    nothingIsLeft();
  });

  test('a file vanishes while it is packed', async () => {
    write('e', { 'meta.json': META, data: 'x' });
    const vanish = at('partial-opened', () => rmSync(join(layout.episodes, 'e/data')));
    await assert.rejects(pack('e', vanish), { code: 'episode-unreadable', message: /e\/data cannot be read: ENOENT/ });
    nothingIsLeft();
  });

  for (const [title, spoil] of [
    ['another file', () => renameSync(join(layout.episodes, 'other'), join(layout.episodes, 'e/data'))],
    ['a link', () => symlinkSync('/etc/hostname', join(layout.episodes, 'e/data'))],
    ['a pipe', () => execFileSync('mkfifo', [join(layout.episodes, 'e/data')])],
  ] satisfies [string, () => void][]) {
    test(`a file is ${title} by the time that it is read`, async (t) => {
      if (!hasSystemPart(t, ['mkfifo', '--version'], 'coreutils')) return;
      write('e', { 'meta.json': META, data: 'four' });
      writeFileSync(join(layout.episodes, 'other'), 'FOUR');
      const replace = at('partial-opened', () => {
        rmSync(join(layout.episodes, 'e/data'));
        spoil();
      });
      await assert.rejects(pack('e', replace), { code: /episode-(?:changing|unreadable)/ });
      nothingIsLeft();
    });
  }

  test('a large file is cut short while it is packed', async () => {
    write('e', { 'meta.json': META, data: randomBytes(8 * MIB) });
    let works = 0;
    const dependencies = { layout, zstdLevel: 3, afterStep: noStepObserver };
    const onWork = () => {
      works += 1;
      if (works === 1) truncateSync(join(layout.episodes, 'e/data'), MIB);
    };
    await assert.rejects(packEpisode({ ...dependencies, onWork }, 'e', NEVER), { code: 'episode-changing' });
    nothingIsLeft();
  });

  test('it is gone', async () => {
    await assert.rejects(pack('e'), { code: 'episode-unreadable' });
    nothingIsLeft();
  });

  test('an outbox that takes nothing is no fault of the episode', async () => {
    write('e', { data: 'x' });
    rmSync(layout.outbox, { recursive: true });
    await assert.rejects(pack('e'), { code: 'ENOENT' });
  });
});

describe('a meta.json that says nothing: the episode is unstamped, and packed as it is', () => {
  const metaPath = () => join(layout.episodes, 'e/meta.json');
  const pipe = () => join(root, 'pipe');
  const stamped = () => {
    writeFileSync(join(root, 'elsewhere.json'), META);
    return join(root, 'elsewhere.json');
  };
  for (const [title, makeMeta, packedAs] of [
    ['a directory', () => mkdirSync(metaPath()), 'directory e/meta.json/'],
    ['a link to itself', () => symlinkSync('meta.json', metaPath()), 'symlink e/meta.json'],
    ['a link to nothing', () => symlinkSync('nowhere', metaPath()), 'symlink e/meta.json'],
    ['a link to a file that has a stamp', () => symlinkSync(stamped(), metaPath()), 'symlink e/meta.json'],
    ['a link to a file without an end', () => symlinkSync('/dev/zero', metaPath()), 'symlink e/meta.json'],
    ['a link to a pipe that nobody writes', () => symlinkSync(pipe(), metaPath()), 'symlink e/meta.json'],
    ['a larger one than 16 MiB', () => writeFileSync(metaPath(), META.padEnd(16 * MIB + 1)), 'file e/meta.json'],
  ] satisfies [string, () => void, string][]) {
    test(title, async (t) => {
      if (!hasSystemPart(t, ['mkfifo', '--version'], 'coreutils')) return;
      execFileSync('mkfifo', [pipe()]);
      write('e', { data: 'x' });
      makeMeta();
      const { packed } = await pack('e');
      assert.deepEqual(packed.stamp, UNSTAMPED);
      const entries = await unpack(packed.tarballPath);
      assert.deepEqual(
        entries.map(({ header }) => `${header.type} ${header.name}`),
        [packedAs, 'file e/data'],
      );
    });
  }

  test('one of 16 MiB is read', async () => {
    write('e', { 'meta.json': META.padEnd(16 * MIB) });
    assert.deepEqual((await pack('e')).packed.stamp, { commit: COMMIT, dirty: true, schemaVersion: '7' });
  });
});
