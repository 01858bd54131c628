import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { systemClock } from '../../../lib/clock.ts';
import { dataLayout, makeDataDirectories } from '../../data-layout.ts';
import { requeueEpisodes } from './requeue-episode.ts';

async function refusedEpisode(t: TestContext) {
  const layout = dataLayout(temporaryDirectory(t));
  await makeDataDirectories(layout);
  const directory = join(layout.quarantine, 'ep-1');
  mkdirSync(directory);
  writeFileSync(join(directory, 'data.bin'), 'data');
  const reason = {
    episode_id: 'ep-1',
    quarantined_at_wall: '2026-05-01T06:37:53.830599+00:00',
    code: 'commit-blocked',
  };
  writeFileSync(join(directory, 'quarantine_reason.json'), JSON.stringify(reason));
  return layout;
}

test('back into the queue, without its reason, which stays in the history', async (t) => {
  const layout = await refusedEpisode(t);
  assert.equal(await requeueEpisodes({ layout, clock: systemClock }, ['ep-1']), 1);
  assert.deepEqual(readdirSync(join(layout.episodes, 'ep-1')), ['data.bin']);
  const row = JSON.parse(readFileSync(join(layout.root, 'queue-history.jsonl'), 'utf8'));
  assert.deepEqual([row.by, row.note.code], ['shipper', 'commit-blocked']);
  assert.equal(await requeueEpisodes({ layout, clock: systemClock }, ['ep-1']), 0, 'it is gone');
});

test('another one waits under its id: it stays, with its reason', async (t) => {
  const layout = await refusedEpisode(t);
  mkdirSync(join(layout.episodes, 'ep-1'));
  assert.equal(await requeueEpisodes({ layout, clock: systemClock }, ['ep-1']), 0, 'its id is taken');
  assert.deepEqual(readdirSync(join(layout.quarantine, 'ep-1')).sort(), ['data.bin', 'quarantine_reason.json']);
  assert.deepEqual(readdirSync(join(layout.episodes, 'ep-1')), []);
});
