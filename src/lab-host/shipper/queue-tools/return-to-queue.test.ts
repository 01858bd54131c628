import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { noStepObserver } from '../../../lib/after-step.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger } from '../../../lib/logger.ts';
import { dataLayout, makeDataDirectories } from '../../data-layout.ts';
import { finishReturns } from './finish-returns.ts';
import { appendHistory } from './queue-history.ts';
import { returnToQueue } from './return-to-queue.ts';
import { readQuarantine } from './settled-episodes.ts';

const AT_WALL = '2026-05-01T06:37:53.830599+00:00';

async function makeTools(t: TestContext) {
  const layout = dataLayout(temporaryDirectory(t));
  await makeDataDirectories(layout);
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const logger = createLogger({ level: 'info', form: 'plain', clock: systemClock, write });
  const output = { write: () => undefined };
  return { tools: { layout, clock: systemClock, logger, by: 'test', output, afterStep: noStepObserver }, lines };
}

test('one that can neither go back nor get its note again is told of, and keeps none of the others', async (t) => {
  const { tools } = await makeTools(t);
  const directory = join(tools.layout.quarantine, 'a');
  mkdirSync(directory);
  const reason = { episode_id: 'a', quarantined_at_wall: AT_WALL, code: 'commit-blocked' };
  writeFileSync(join(directory, 'quarantine_reason.json'), JSON.stringify(reason));
  const episodes = await readQuarantine(tools.layout);
  const afterStep = (step: string) => {
    if (step !== 'notes-removed') return;
    // What is in its place now takes no note.
    rmSync(directory, { recursive: true });
    writeFileSync(directory, '');
  };
  const reports = await returnToQueue({ ...tools, afterStep }, 'requeued', episodes);
  assert.deepEqual(
    reports.map(({ episode, outcome }) => [episode.name, outcome]),
    [['a', 'taken']],
  );
});

test('a file that has the name of an episode that went back is left alone', async (t) => {
  const { tools, lines } = await makeTools(t);
  const row = { at_wall: AT_WALL, action: 'requeued' as const, by: 'test', episode_id: 'a', name: 'a', note: {} };
  await appendHistory(tools.layout, [row]);
  writeFileSync(join(tools.layout.quarantine, 'a'), 'not ours');
  assert.equal(await finishReturns(tools), 0);
  assert.deepEqual([readdirSync(tools.layout.quarantine), lines], [['a'], []]);
});
