// SIGKILL after each durable step of an export, of a new bag and of one that is brought up to date. Whatever has its name in data/ is what
// was stored, a bag with a manifest is whole, and the same command ends as if nothing had happened.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runExport } from '../../src/export/app.ts';
import type { ExportStep } from '../../src/export/export-step.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { checkBag } from '../support/bag.ts';
import { sha256 } from '../support/episodes.ts';
import { Program } from '../support/program.ts';
import { addRow, addTombstone, type StoredEpisode, storeFile } from '../support/stored-episodes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SCRIPT = join(import.meta.dirname, '../support/killed-export.main.ts');
const LARGE = randomBytes(1024 * 1024);

interface Scene {
  store: string;
  bag: string;
  digests: Map<string, string>;
}

async function store(scene: Scene, id: string, content?: Buffer<ArrayBuffer>): Promise<StoredEpisode> {
  const stored = await storeFile(scene.store, 'lab-1', id, content);
  addRow(scene.store, stored);
  scene.digests.set(`lab-1/${id}.tar.zst`, sha256(stored.bytes));
  return stored;
}

async function newBag(t: TestContext): Promise<Scene> {
  const root = temporaryDirectory(t);
  const scene = { store: join(root, 'store'), bag: join(root, 'bag'), digests: new Map() };
  for (const id of ['a', 'b']) await store(scene, id);
  await store(scene, 'large', LARGE);
  return scene;
}

/** Whole before; one episode has been retracted since, and two came. */
async function olderBag(t: TestContext): Promise<Scene> {
  const scene = await newBag(t);
  await exportWhole(scene);
  addTombstone(scene.store, 'lab-1', 'a');
  rmSync(join(scene.store, 'episodes/lab-1/a.tar.zst'));
  await store(scene, 'c', randomBytes(600 * 1024));
  await store(scene, 'd');
  return scene;
}

/** Whole before; one came, and nothing else happened: only what is placed takes the manifest away. */
async function grownBag(t: TestContext): Promise<Scene> {
  const scene = await newBag(t);
  await exportWhole(scene);
  await store(scene, 'c', randomBytes(600 * 1024));
  return scene;
}

/** In a process of its own, which kills itself. */
async function killAfter(step: string, nth: number, { store: from, bag }: Scene): Promise<void> {
  const program = Program.script(SCRIPT, [from, bag, step, String(nth)]);
  assert.equal((await program.ended).signal, 'SIGKILL', `it was not killed: ${program.stderr}`);
}

/** Its output, once it is whole. */
async function exportWhole({ store: root, bag: directory }: Scene): Promise<string> {
  const printed: string[] = [];
  const code = await runExport({
    from: { kind: 'store', root },
    directory,
    selection: { hosts: [], commits: [], since: undefined, until: undefined },
    jobs: 4,
    verify: false,
    json: false,
    output: { write: (text) => printed.push(text) },
    progress: { update: () => undefined, clear: () => undefined },
    logger: createLogger({ level: 'info', form: 'plain', clock: systemClock, write: (line) => printed.push(line) }),
    clock: systemClock,
    random: Math.random,
    stop: new AbortController().signal,
  });
  assert.equal(code, 0, printed.join(''));
  return printed.join('');
}

const SCENES = { new: newBag, older: olderBag, grown: grownBag };
const KILLS: Record<ExportStep, { scenes: (keyof typeof SCENES)[]; nth?: number[] }> = {
  'selection-noted': { scenes: ['new'] },
  'episodes-listed': { scenes: ['new', 'older'] },
  'manifest-dropped': { scenes: ['new', 'older', 'grown'] },
  'episode-removed': { scenes: ['older'] },
  'partial-opened': { scenes: ['new', 'older'] },
  // In the middle of a large one, too.
  'partial-written': { scenes: ['new', 'older'], nth: [1, 3] },
  'partial-synced': { scenes: ['new', 'older', 'grown'] },
  'episode-placed': { scenes: ['new', 'older', 'grown'] },
  'index-placed': { scenes: ['new', 'older'] },
  'info-written': { scenes: ['new', 'older'] },
  'tag-manifest-written': { scenes: ['new', 'older'] },
  'manifest-placed': { scenes: ['new', 'older'] },
  'cleaned-up': { scenes: ['new', 'older'] },
};
const EXPECTED = {
  new: ['lab-1/a', 'lab-1/b', 'lab-1/large'],
  older: ['lab-1/b', 'lab-1/large', 'lab-1/c', 'lab-1/d'],
  grown: ['lab-1/a', 'lab-1/b', 'lab-1/large', 'lab-1/c'],
};

for (const [step, { scenes, nth = [1] }] of Object.entries(KILLS)) {
  for (const name of scenes) {
    for (const n of nth) {
      test(`a bag that is ${name}, killed after ${step} (${n})`, async (t) => {
        const scene = await SCENES[name](t);
        await killAfter(step, n, scene);
        assertNothingFalse(scene);
        if (existsSync(join(scene.bag, 'manifest-sha256.txt'))) checkBag(scene.bag);

        await exportWhole(scene);
        const checked = checkBag(scene.bag);
        assert.deepEqual(checked.episodes, EXPECTED[name]);
        assert.ok(!existsSync(join(scene.bag, '.partial')));

        const fresh = { ...scene, bag: `${scene.bag}-fresh` };
        await exportWhole(fresh);
        assert.deepEqual(checked.content, checkBag(fresh.bag).content);
      });
    }
  }
}

function assertNothingFalse({ bag, digests }: Scene): void {
  const episodes = join(bag, 'data/episodes');
  if (!existsSync(episodes)) return;
  for (const name of readdirSync(episodes, { recursive: true, encoding: 'utf8' })) {
    if (statSync(join(episodes, name)).isDirectory()) continue;
    assert.equal(sha256(readFileSync(join(episodes, name))), digests.get(name), name);
  }
}

test('a power cut left other bytes in a partial than were written: it is fetched from its first byte on', async (t) => {
  const scene = await newBag(t);
  await killAfter('partial-written', 4, scene);
  const partial = join(scene.bag, '.partial/lab-1~large');
  assert.ok(statSync(partial).size > 0);
  writeFileSync(partial, Buffer.alloc(statSync(partial).size));
  await exportWhole(scene);
  assert.deepEqual(checkBag(scene.bag).episodes, EXPECTED.new);
});

test('what is up to date stays as it is, to the byte and to the minute', async (t) => {
  const scene = await newBag(t);
  await exportWhole(scene);
  const timesOf = () =>
    readdirSync(scene.bag, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('.') && name !== 'data')
      .map((name) => [name, statSync(join(scene.bag, name)).mtimeMs]);
  const before = timesOf();
  assert.match(await exportWhole(scene), /^3 episodes, .*, 0 of them new: whole$/m);
  assert.deepEqual(timesOf(), before);
});
