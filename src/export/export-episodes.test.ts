import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { checkBag, valuesOf } from '../../test/support/bag.ts';
import { BagDirectory } from './bag/bag-directory.ts';
import { type BagDisk, systemDisk } from './bag/bag-disk.ts';
import type { EpisodeKey, InLedger } from './episode-source.ts';
import { diskError, EVERYTHING, handClock, MemorySource, makeDirectory } from './export.fixture.ts';
import { type ExportEvent, type ExportOutcome, exportEpisodes } from './export-episodes.ts';
import type { ExportStep } from './export-step.ts';

interface Run {
  outcome: ExportOutcome;
  told: ExportEvent[];
  steps: ExportStep[];
}

/** Into a bag that is opened for it. Throws what the export does. */
async function run(
  path: string,
  source: MemorySource,
  { disk = {}, stop, told = [] }: { disk?: Partial<BagDisk>; stop?: AbortController; told?: ExportEvent[] } = {},
): Promise<Run> {
  const steps: ExportStep[] = [];
  const bag = await BagDirectory.open(path, EVERYTHING, (step) => steps.push(step), { ...systemDisk, ...disk });
  try {
    const outcome = await exportEpisodes({
      bag,
      source,
      selection: EVERYTHING,
      jobs: 1,
      verify: false,
      progress: { update: () => undefined },
      tell: (event) => told.push(event),
      stop: (stop ?? new AbortController()).signal,
      clock: handClock(),
    });
    return { outcome, told, steps };
  } finally {
    bag.close();
  }
}

describe('Ctrl-C while episodes are looked up is no verdict on them', () => {
  /** As a store's: what it has not come to yet is unknown. */
  class InterruptedSource extends MemorySource {
    readonly stop = new AbortController();

    override async lookUp(keys: readonly EpisodeKey[]): Promise<Map<string, InLedger>> {
      if (keys.length > 0) this.stop.abort();
      return new Map();
    }
  }

  function scene(t: TestContext) {
    const source = new InterruptedSource();
    source.add('lab-1/a');
    return { path: makeDirectory(t), source, stop: source.stop, told: [] };
  }

  test('of what the bag has and the selection has not', async (t) => {
    const { path, source, ...options } = scene(t);
    await run(path, source);
    source.rows.length = 0;
    const interrupted = { code: 'interrupted', message: /go on with the same command/ };
    await assert.rejects(run(path, source, options), interrupted);
    assert.deepEqual(options.told, []);
    assert.ok(existsSync(join(path, 'data/episodes/lab-1/a.tar.zst')));
  });

  test('of what was missing', async (t) => {
    const { path, source, ...options } = scene(t);
    source.contents.clear();
    await assert.rejects(run(path, source, options), { code: 'interrupted' });
    assert.deepEqual(options.told, []);
  });
});

describe('ids that differ in case alone', () => {
  const NAMES = ['lab-1/e', 'lab-1/E', 'lab-1/E', 'Lab-1/x', 'lab-2/x'];

  async function exported(t: TestContext, ignoresCase: boolean) {
    const [path, disk] = [makeDirectory(t), { ignoresCase: async () => ignoresCase }];
    const source = new MemorySource();
    for (const name of NAMES) source.add(name);
    const runs = [await run(path, source, { disk }), await run(path, source, { disk })];
    return { outcomes: runs.map(({ outcome }) => outcome), bag: checkBag(path) };
  }

  test('are episodes like any others where the disk tells them apart', async (t) => {
    const { outcomes, bag } = await exported(t, false);
    assert.deepEqual([outcomes[0]?.kind, outcomes[0]?.added], ['whole', 4]);
    assert.deepEqual(bag.episodes, ['lab-1/e', 'lab-1/E', 'Lab-1/x', 'lab-2/x']);
  });

  test('are left out behind the first, and named, where it does not', async (t) => {
    const { outcomes, bag } = await exported(t, true);
    for (const { kind, leftOut } of outcomes) {
      assert.equal(kind, 'incomplete');
      assert.deepEqual(
        leftOut.map((loss) => [loss.kind, `${loss.hostId}/${loss.episodeId}`, loss.detail]),
        [
          ['name-taken', 'lab-1/E', 'the disk of the bag ignores case, and lab-1/e has its name there'],
          ['name-taken', 'Lab-1/x', 'the disk of the bag ignores case, and lab-1 has its name there'],
        ],
      );
    }
    assert.deepEqual(bag.episodes, ['lab-1/e', 'lab-2/x']);
    assert.deepEqual(valuesOf(bag.info, 'Cis490-Left-Out'), ['2']);
  });
});

describe('a bag that cannot be read', () => {
  for (const damaged of ['index.jsonl', 'manifest-sha256.txt']) {
    test(`what the disk does not give back of ${damaged} is written anew`, async (t) => {
      const [path, source] = [makeDirectory(t), new MemorySource()];
      source.add('lab-1/a');
      const disk: Partial<BagDisk> = {
        read: async function* (file) {
          if (basename(file) === damaged) throw diskError('EIO');
          yield* systemDisk.read(file);
        },
      };
      const isWritten = async (on: Partial<BagDisk>) =>
        (await run(path, source, { disk: on })).steps.includes('manifest-placed');
      assert.deepEqual([await isWritten({}), await isWritten({}), await isWritten(disk)], [true, false, true]);
      checkBag(path);
    });
  }

  test('is told with the file and the next command', async (t) => {
    const [path, source] = [makeDirectory(t, 'bag'), new MemorySource()];
    source.add('lab-1/a');
    mkdirSync(join(path, 'data/episodes'), { recursive: true });
    writeFileSync(join(path, 'bag-info.txt'), 'Bag-Software-Agent: cis490 export\n');
    writeFileSync(join(path, 'data/episodes/lab-1'), '');
    await assert.rejects(run(path, source), {
      code: 'cannot-read',
      message: /lab-1\/a\.tar\.zst cannot be read: ENOTDIR/,
      hint: /ls -ld/,
    });
  });
});
