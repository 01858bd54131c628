import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { abandonLeftovers, abandonRecording } from './abandon-recordings.ts';
import { makeBench } from './orchestrator.fixture.ts';

test('all leftovers are set aside with a reason and without overwriting', async (t) => {
  const { dataDir, clock, logger, logged } = await makeBench(t);
  const recordingDirectory = join(dataDir, 'recording');
  const abandoned = join(recordingDirectory, 'abandoned');
  await mkdir(join(abandoned, 'e1'), { recursive: true });
  await mkdir(join(abandoned, 'e1.2'));
  await mkdir(join(recordingDirectory, 'e1'));
  await writeFile(join(recordingDirectory, 'e1', 'data'), 'data');
  await mkdir(join(recordingDirectory, 'e2'));
  await writeFile(join(recordingDirectory, 'stray'), 'stray');

  assert.equal(await abandonLeftovers({ recordingDirectory, clock, logger }), 3);
  assert.deepEqual(await readdir(recordingDirectory), ['abandoned']);
  assert.deepEqual((await readdir(abandoned)).sort(), ['e1', 'e1.2', 'e1.3', 'e2', 'stray']);
  assert.equal(await readFile(join(abandoned, 'e1.3', 'data'), 'utf8'), 'data');
  assert.equal(await readFile(join(abandoned, 'stray', 'stray'), 'utf8'), 'stray');
  for (const name of ['e1.3', 'e2', 'stray']) {
    const reason: unknown = JSON.parse(await readFile(join(abandoned, name, 'abandoned_reason.json'), 'utf8'));
    assert.ok(typeof reason === 'object' && reason !== null);
    assert.deepEqual(Object.keys(reason), ['abandoned_at_wall', 'reason']);
  }
  assert.equal(logged(/set aside an unfinished recording/).length, 3);
  assert.equal(await abandonLeftovers({ recordingDirectory, clock, logger }), 0);
});

test('a recording that is not there cannot be set aside', async (t) => {
  const { dataDir, clock, logger } = await makeBench(t);
  const context = { recordingDirectory: join(dataDir, 'recording'), clock, logger };
  assert.equal(await abandonRecording(context, 'e1', 'no reason'), undefined);
});
