import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { systemClock } from '../../lib/clock.ts';
import { parsePlainLogLine } from '../../lib/log-line.ts';
import { createLogger } from '../../lib/logger.ts';
import { type DataLayout, dataLayout, makeDataDirectories, outboxFiles } from '../data-layout.ts';
import { EpisodeScanner, sweepOutbox, type Waiting } from './scan-episodes.ts';

const idsOf = (waiting: readonly Waiting[]) => waiting.map(({ episodeId }) => episodeId);

let root: string;
let layout: DataLayout;
let log: string[];

beforeEach(async () => {
  log = [];
  root = makeDirectory();
  layout = dataLayout(root);
  await makeDataDirectories(layout);
});
afterEach(() => removeDirectory(root));

function newScanner(): EpisodeScanner {
  const write = (line: string) => log.push(line.trimEnd());
  return new EpisodeScanner(layout, createLogger({ level: 'info', form: 'plain', clock: systemClock, write }));
}

function publish(episodeId: string, finishedAtS: number): void {
  const path = join(layout.episodes, episodeId);
  mkdirSync(path, { recursive: true });
  utimesSync(path, finishedAtS, finishedAtS);
}

describe('a scan', () => {
  test('tells the episodes, oldest first; those of one time by name', async () => {
    for (const [episodeId, finishedAtS] of [
      ['c', 300],
      ['b', 100],
      ['a', 300],
      ['d', 200],
      ['e', 0],
    ] as const)
      publish(episodeId, finishedAtS);
    assert.deepEqual(idsOf(await newScanner().scan()), ['e', 'b', 'd', 'a', 'c']);
  });

  test('tells directories alone, whatever their name', async () => {
    publish('a', 100);
    publish('.hidden', 200);
    publish('x.tar.zst', 300);
    writeFileSync(join(layout.episodes, 'file'), '');
    symlinkSync('a', join(layout.episodes, 'link'));
    assert.deepEqual(idsOf(await newScanner().scan()), ['a', '.hidden', 'x.tar.zst']);
  });

  test('lists thousands again only when a name has come or gone, and misses none that came in the moment of a scan', async () => {
    const scanner = newScanner();
    const atSameTime = (episodeId: string) => {
      publish(episodeId, 100);
      utimesSync(layout.episodes, 1_000, 1_000);
    };
    atSameTime('a');
    assert.deepEqual(idsOf(await scanner.scan()), ['a']);
    atSameTime('b');
    assert.deepEqual(idsOf(await scanner.scan()), ['a', 'b'], 'after the first, in the same moment');
    atSameTime('c');
    assert.deepEqual(idsOf(await scanner.scan()), ['a', 'b'], 'not listed: the time is long past');
    publish('d', 100);
    assert.deepEqual(idsOf(await scanner.scan()), ['a', 'b', 'c', 'd']);
  });

  test('of nothing', async () => assert.deepEqual(idsOf(await newScanner().scan()), []));

  for (const [title, meta, sizeBytes] of [
    ['as its meta.json lists them', { files: [{ path: 'data', bytes: 7 }] }, 7],
    ['as they lie there when it lists none', { files: [] }, 1_012],
    ['as they lie there when it says nothing of files', {}, 1_009],
    ['as they lie there when the list makes no sense', { files: [{ bytes: -1 }] }, 1_024],
  ] as const) {
    test(`tells the size of the files: ${title}`, async () => {
      publish('a', 100);
      mkdirSync(join(layout.episodes, 'a/deep/er'), { recursive: true });
      writeFileSync(join(layout.episodes, 'a/deep/er/data'), 'x'.repeat(1_000));
      writeFileSync(join(layout.episodes, 'a/meta.json'), JSON.stringify(meta).padEnd(9));
      symlinkSync('/', join(layout.episodes, 'a/link'));
      assert.deepEqual(
        (await newScanner().scan()).map((waiting) => waiting.sizeBytes),
        [sizeBytes],
      );
    });
  }

  test('of an episode without a meta.json looks at a thousand entries at most for its size', async () => {
    publish('a', 100);
    for (let n = 0; n < 1_100; n += 1) writeFileSync(join(layout.episodes, `a/${n}`), 'x');
    assert.deepEqual(
      (await newScanner().scan()).map((waiting) => waiting.sizeBytes),
      [1_000],
    );
  });

  test('sees what comes and goes', async () => {
    const scanner = newScanner();
    publish('b', 200);
    assert.deepEqual(idsOf(await scanner.scan()), ['b']);
    publish('a', 100);
    assert.deepEqual(idsOf(await scanner.scan()), ['a', 'b']);
    rmSync(join(layout.episodes, 'b'), { recursive: true });
    assert.deepEqual(idsOf(await scanner.scan()), ['a']);
  });

  test('keeps the place that an episode had when it was first seen, until it goes', async () => {
    const scanner = newScanner();
    publish('a', 100);
    publish('b', 200);
    assert.deepEqual(idsOf(await scanner.scan()), ['a', 'b']);
    publish('a', 300);
    assert.deepEqual(idsOf(await scanner.scan()), ['a', 'b']);
    rmSync(join(layout.episodes, 'a'), { recursive: true });
    await scanner.scan();
    publish('a', 300);
    assert.deepEqual(idsOf(await scanner.scan()), ['b', 'a']);
  });

  test('tells once of each directory whose name is not UTF-8, and ships the others', async () => {
    const scanner = newScanner();
    publish('a', 100);
    for (const last of [0xfe, 0x66]) {
      mkdirSync(Buffer.concat([Buffer.from(`${layout.episodes}/`), Buffer.from([0x78, 0xff, last])]));
    }
    assert.deepEqual(idsOf(await scanner.scan()), ['a']);
    assert.deepEqual(idsOf(await scanner.scan()), ['a']);
    const told = log.map((line) => parsePlainLogLine(line));
    for (const it of told) {
      assert.equal(it?.level, 'ERROR');
      assert.equal(it.message, 'a directory whose name is not UTF-8 cannot be shipped');
      assert.equal(it.fields['cure'], `rename it: ls -b ${layout.episodes}`);
    }
    assert.deepEqual(told.map((it) => it?.fields['name']).sort(), ['x\ufffdf', 'x\ufffd\ufffd']);
  });

  test('a name that has the replacement character is as good as any', async () => {
    publish('x\ufffd', 100);
    assert.deepEqual(idsOf(await newScanner().scan()), ['x\ufffd']);
    assert.deepEqual(log, []);
  });

  test('fails when the episodes cannot be read: they have not gone', async () => {
    rmSync(layout.episodes, { recursive: true });
    await assert.rejects(newScanner().scan(), { code: 'ENOENT' });
  });
});

describe('the sweep of the outbox', () => {
  const put = (...names: string[]) => {
    for (const name of names) writeFileSync(join(layout.outbox, name), '');
  };
  const sweep = async (...waiting: string[]) => (await sweepOutbox(layout, new Set(waiting))).removed.sort();
  const left = () => readdirSync(layout.outbox).sort();

  test('takes what belongs to no waiting episode, and what is half-written', async () => {
    put(
      'a.tar.zst',
      'a.json',
      'a.tar.zst.partial',
      'receipt.json.0123456789ab.tmp',
      'a.json.0123abcd.tmp',
      'b.tar.zst',
      'b.json',
      'stray',
    );
    mkdirSync(join(layout.outbox, 'directory/inside'), { recursive: true });
    assert.deepEqual(await sweep('a'), [
      'a.json.0123abcd.tmp',
      'a.tar.zst.partial',
      'b.json',
      'b.tar.zst',
      'directory',
      'receipt.json.0123456789ab.tmp',
      'stray',
    ]);
    assert.deepEqual(left(), ['a.json', 'a.tar.zst']);
  });

  test('of an empty one, and of a clean one, takes nothing', async () => {
    assert.deepEqual(await sweep('a'), []);
    put('a.tar.zst', 'a.json');
    assert.deepEqual(await sweep('a'), []);
    assert.deepEqual(left(), ['a.json', 'a.tar.zst']);
  });

  for (const odd of [
    'x.json',
    'x.tar.zst',
    'x.tmp',
    'x.partial',
    'x.tar.zst.partial',
    'x.receipt.json.tmp',
    'x.json.json',
  ]) {
    test(`keeps what belongs to an episode called ${odd}, and takes what belongs to x`, async () => {
      put(`${odd}.tar.zst`, `${odd}.json`, 'x.tar.zst', 'x.json', `${odd}.tar.zst.partial`);
      const taken = ['x.json', 'x.tar.zst', `${odd}.tar.zst.partial`].filter((name) => name !== `${odd}.json`);
      assert.deepEqual(await sweep(odd), taken.sort());
      assert.deepEqual(left(), [`${odd}.json`, `${odd}.tar.zst`].sort());
    });
  }

  test('takes what is remembered of an upload whose tarball is gone', async () => {
    put('a.tar.zst.upload', 'a.tar.zst.upload.tmp', 'a.json', 'b.tar.zst', 'b.json', 'b.tar.zst.upload');
    assert.deepEqual(await sweep('a', 'b', 'a.tar.zst.upload'), ['a.tar.zst.upload', 'a.tar.zst.upload.tmp']);
    assert.deepEqual(left(), ['a.json', 'b.json', 'b.tar.zst', 'b.tar.zst.upload']);
  });

  test('takes the partial of x although an episode has its name', async () => {
    put('x.tar.zst.partial', 'x.tar.zst.partial.json');
    assert.deepEqual(await sweep('x.tar.zst.partial'), ['x.tar.zst.partial']);
    assert.deepEqual(left(), ['x.tar.zst.partial.json']);
  });

  test('exactly, for any set of episodes', async () => {
    const id = fc
      .array(fc.constantFrom('x', '.json', '.tar.zst', '.tmp', '.partial', '.receipt', '.upload'), {
        minLength: 1,
        maxLength: 3,
      })
      .map((parts) => `x${parts.join('')}`);
    const ids = fc.uniqueArray(id, { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(ids, ids, async (waiting, gone) => {
        for (const name of readdirSync(layout.outbox)) rmSync(join(layout.outbox, name));
        const kept = new Set<string>();
        for (const episodeId of [...gone, ...waiting]) {
          const { tarball, partial, sidecar, uploadNote } = outboxFiles(layout, episodeId);
          for (const path of [tarball, partial, sidecar, uploadNote]) writeFileSync(path, '');
          if (!waiting.includes(episodeId)) continue;
          for (const path of [tarball, sidecar, uploadNote]) kept.add(path.slice(layout.outbox.length + 1));
        }
        await sweepOutbox(layout, new Set(waiting));
        assert.deepEqual(left(), [...kept].sort());
      }),
      { numRuns: 50 },
    );
  });
});
