import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { noStepObserver } from '../../lib/after-step.ts';
import { type DataLayout, dataLayout, makeDataDirectories, outboxFiles } from '../data-layout.ts';
import { moveOut } from './move-episode.ts';
import type { ShipperStep } from './shipper-step.ts';

let root: string;
let layout: DataLayout;

beforeEach(async () => {
  root = makeDirectory();
  layout = dataLayout(root);
  await makeDataDirectories(layout);
});
afterEach(() => removeDirectory(root));

function publish(episodeId: string, content: string): void {
  mkdirSync(join(layout.episodes, episodeId));
  writeFileSync(join(layout.episodes, episodeId, 'data'), content);
  const { tarball, partial, sidecar } = outboxFiles(layout, episodeId);
  for (const path of [tarball, partial, sidecar]) writeFileSync(path, '');
}

for (const [title, directory, moved, synced] of [
  ['retired', 'shipped', 'moved-to-shipped', 'shipped-synced'],
  ['quarantined', 'quarantine', 'moved-to-quarantine', 'quarantine-synced'],
] as const) {
  describe(`an episode that is ${title}`, () => {
    const contents = () =>
      readdirSync(layout[directory])
        .sort()
        .map((name) => [name, readFileSync(join(layout[directory], name, 'data'), 'utf8')]);

    test('moves first, and loses its tarball last', async () => {
      publish('e', '1');
      publish('other', '2');
      const steps: [ShipperStep, episode: boolean, tarball: boolean][] = [];
      const afterStep = (step: ShipperStep) =>
        steps.push([step, existsSync(join(layout.episodes, 'e')), existsSync(outboxFiles(layout, 'e').tarball)]);
      await moveOut({ layout, afterStep }, 'e', directory);
      assert.deepEqual(steps, [
        [moved, false, true],
        [synced, false, true],
        ['tarball-removed', false, false],
      ]);
      assert.deepEqual(contents(), [['e', '1']]);
      assert.deepEqual(readdirSync(layout.episodes), ['other']);
      assert.deepEqual(readdirSync(layout.outbox).sort(), ['other.json', 'other.tar.zst', 'other.tar.zst.partial']);
    });

    test('never takes the place of another', async () => {
      for (const content of ['1', '2', '3']) {
        publish('e', content);
        await moveOut({ layout, afterStep: noStepObserver }, 'e', directory);
      }
      assert.deepEqual(contents(), [
        ['e', '1'],
        ['e.2', '2'],
        ['e.3', '3'],
      ]);
    });

    for (const length of [200, 201, 239, 255]) {
      test(`gets a number also when its name has ${length} characters`, async () => {
        const name = 'n'.repeat(length);
        for (const content of ['1', '2', '3']) {
          mkdirSync(join(layout.episodes, name));
          writeFileSync(join(layout.episodes, name, 'data'), content);
          await moveOut({ layout, afterStep: noStepObserver }, name, directory);
        }
        assert.deepEqual(Object.fromEntries(contents()), {
          [name]: '1',
          [`${'n'.repeat(200)}.2`]: '2',
          [`${'n'.repeat(200)}.3`]: '3',
        });
      });
    }

    test('never takes the place of a file', async () => {
      writeFileSync(join(layout[directory], 'e'), 'somebody else’s');
      publish('e', '1');
      await moveOut({ layout, afterStep: noStepObserver }, 'e', directory);
      assert.equal(readFileSync(join(layout[directory], 'e'), 'utf8'), 'somebody else’s');
      assert.equal(readFileSync(join(layout[directory], 'e.2', 'data'), 'utf8'), '1');
    });

    test('never takes the place of an empty directory', async () => {
      mkdirSync(join(layout[directory], 'e'));
      publish('e', '1');
      await moveOut({ layout, afterStep: noStepObserver }, 'e', directory);
      assert.deepEqual(readdirSync(join(layout[directory], 'e')), []);
      assert.equal(readFileSync(join(layout[directory], 'e.2', 'data'), 'utf8'), '1');
    });

    test('stays, with its tarball, when it cannot be moved', async () => {
      publish('e', '1');
      rmSync(layout[directory], { recursive: true });
      await assert.rejects(moveOut({ layout, afterStep: () => assert.fail('a step was done') }, 'e', directory), {
        code: 'ENOENT',
      });
      assert.ok(existsSync(join(layout.episodes, 'e/data')) && existsSync(outboxFiles(layout, 'e').tarball));
    });
  });
}
