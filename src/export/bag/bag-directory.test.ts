import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { noStepObserver } from '../../lib/after-step.ts';
import { EVERYTHING, makeDirectory, openBag } from '../export.fixture.ts';
import { parseSelection } from '../selection.ts';
import { BagDirectory } from './bag-directory.ts';

const LAB_1 = parseSelection({ hosts: ['lab-1'], commits: [], since: '2026-05-01', until: undefined });
const open = (path: string, selection = EVERYTHING) => BagDirectory.open(path, selection, noStepObserver);

describe('a directory that is taken', () => {
  test('a new one, an empty one, and its own from before', async (t) => {
    const path = join(makeDirectory(t), 'bag');
    for (let time = 0; time < 3; time += 1) (await open(path, LAB_1)).close();
    assert.match(
      readFileSync(join(path, 'bag-info.txt'), 'utf8'),
      /^Bag-Software-Agent: .*\nCis490-Host: lab-1\nCis490-Since: 2026-05-01T00:00:00.000000\+00:00\n$/,
    );
    (await open(makeDirectory(t))).close();
  });

  for (const left of ['.partial/rows.jsonl', '.export.lock.db', 'data/episodes/.']) {
    test(`one that a kill has left with ${left}`, async (t) => {
      const path = makeDirectory(t);
      mkdirSync(join(path, left, '..'), { recursive: true });
      if (left.endsWith('.')) mkdirSync(join(path, left), { recursive: true });
      else writeFileSync(join(path, left), '');
      (await open(path)).close();
    });
  }
});

describe('a directory that is refused, and stays as it was', () => {
  for (const [title, plant, message] of [
    ['with a file', (path) => writeFileSync(join(path, 'thesis.tex'), 'x'), /neither empty nor a bag: thesis.tex/],
    [
      'with data of its own',
      (path) => {
        mkdirSync(join(path, 'data'));
        writeFileSync(join(path, 'data/x.csv'), 'x');
      },
      /neither empty nor a bag: data\/x.csv/,
    ],
    [
      'a bag of another maker',
      (path) => writeFileSync(join(path, 'bag-info.txt'), 'Bag-Size: 1 B\n'),
      /something else/,
    ],
    [
      'a bag of another selection',
      (path) => writeFileSync(join(path, 'bag-info.txt'), 'Bag-Software-Agent: cis490 export\nCis490-Host: lab-1\n'),
      /is a bag of --host lab-1, and not of all episodes/,
    ],
  ] as [string, (path: string) => void, RegExp][]) {
    test(title, async (t) => {
      const path = makeDirectory(t);
      plant(path);
      await assert.rejects(open(path), { code: 'bad-input', message });
      assert.ok(!existsSync(join(path, '.export.lock.db')));
    });
  }

  test('whose parent is not there: its disk may not be mounted', async (t) => {
    const path = join(makeDirectory(t), 'mnt', 'bag');
    await assert.rejects(open(path), { code: 'bad-input', hint: /is its disk mounted\? Else: mkdir -p/ });
  });

  test('a file', async (t) => {
    const path = join(makeDirectory(t), 'bag');
    writeFileSync(path, '');
    await assert.rejects(open(path), { code: 'bad-input' });
  });
});

test('two exports into one directory: the second is refused while the first is at work', async (t) => {
  const bag = await open(join(makeDirectory(t), 'bag'));
  await assert.rejects(open(bag.path), { code: 'already-running' });
  bag.close();
  (await open(bag.path)).close();
});

test('the manifest goes before the first change, once', async (t) => {
  const bag = await openBag(t);
  const manifest = join(bag.path, 'manifest-sha256.txt');
  writeFileSync(manifest, '');
  assert.equal(await bag.isWhole(), true);
  await bag.beginChange();
  assert.ok(!existsSync(manifest));
  writeFileSync(manifest, '');
  await bag.beginChange();
  assert.ok(existsSync(manifest));
  assert.equal(await bag.isWhole(), false);
});
