import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { noStepObserver } from '../../lib/after-step.ts';
import { type EpisodeMeta, META_FILE, readMetaStamp } from '../../protocol/episode-meta.ts';
import { type Bench, COMMIT, makeBench } from './orchestrator.fixture.ts';
import { type PublishStep, publishEpisode } from './publish-episode.ts';

const META: Omit<EpisodeMeta, 'files'> = {
  episode_id: 'e1',
  host_id: 'h1',
  schema_version: '2',
  workload: 'test',
  started_at_wall: '2026-05-01T06:37:53.830599+00:00',
  ended_at_wall: '2026-05-01T06:38:53.830599+00:00',
  duration_s: 60,
  exit: { code: 0, signal: null, timed_out: false },
  code_version: { commit: COMMIT, dirty: false, stamped_at_wall: null },
};

async function makeRecording({ dataDir }: Bench) {
  const recorded = join(dataDir, 'recording', 'e1');
  await mkdir(recorded);
  const episodesDirectory = join(dataDir, 'episodes');
  const target = join(episodesDirectory, 'e1');
  const publish = (afterStep: (step: PublishStep) => void = noStepObserver) =>
    publishEpisode({ recordedDirectory: recorded, episodesDirectory, meta: META, afterStep });
  const readMeta = async () => JSON.parse(await readFile(join(target, META_FILE), 'utf8')) as EpisodeMeta;
  return { recorded, target, publish, readMeta };
}

test('what is published is listed, sorted, with the digests of the files as they lie there', async (t) => {
  const { recorded, target, publish, readMeta } = await makeRecording(await makeBench(t));
  await mkdir(join(recorded, 'b/deep'), { recursive: true });
  await mkdir(join(recorded, 'empty'));
  await writeFile(join(recorded, 'stdout.log'), '');
  await writeFile(join(recorded, 'b/deep/large.bin'), Buffer.alloc(3_000_001, 'cis490'));
  await writeFile(join(recorded, 'b.txt'), 'b');
  await writeFile(join(recorded, 'ünï\ncode'), 'u');

  const published = await publish();
  assert.deepEqual(await readdir(join(recorded, '..')), []);
  const meta = await readMeta();
  assert.deepEqual({ ...meta, files: [] }, { ...META, files: [] });
  assert.deepEqual(
    meta.files.map((file) => file.path),
    ['b.txt', 'b/deep/large.bin', 'stdout.log', 'ünï\ncode'],
  );
  for (const { path, bytes, sha256 } of meta.files) {
    const content = await readFile(join(target, path));
    assert.equal(bytes, content.length);
    assert.equal(sha256, createHash('sha256').update(content).digest('hex'));
  }
  assert.deepEqual(published, { files: 4, bytes: 3_000_003, unlisted: 0 });
  assert.ok((await readdir(target)).includes('empty'));
  assert.equal(readMetaStamp(await readFile(join(target, META_FILE), 'utf8')).commit, COMMIT);
});

const STEPS: PublishStep[] = ['files-synced', 'meta-synced', 'directory-synced', 'renamed', 'parents-synced'];

test('the steps come in the durable order', async (t) => {
  const steps: PublishStep[] = [];
  const { publish } = await makeRecording(await makeBench(t));
  await publish((step) => steps.push(step));
  assert.deepEqual(steps, STEPS);
});

for (const [index, cut] of STEPS.entries()) {
  test(`cut off after ${cut}: the episode is whole in one place`, async (t) => {
    const { recorded, target, publish, readMeta } = await makeRecording(await makeBench(t));
    await writeFile(join(recorded, 'data'), 'data');
    const cutOff = publish((step) => {
      if (step === cut) throw new Error('cut off');
    });
    await assert.rejects(cutOff, /cut off/);
    const isPublished = index >= STEPS.indexOf('renamed');
    assert.deepEqual(await readdir(join(recorded, '..')), isPublished ? [] : ['e1']);
    assert.deepEqual(await readdir(join(target, '..')), isPublished ? ['e1'] : []);
    if (isPublished) assert.equal((await readMeta()).files.length, 1);
  });
}

test('names that are ours are set aside, not taken for ours', async (t) => {
  const { recorded, target, publish, readMeta } = await makeRecording(await makeBench(t));
  await writeFile(join(recorded, 'meta.json'), '{"code_version":{"commit":"forged"}}');
  await writeFile(join(recorded, 'recorded-meta.json'), 'was there');
  await symlink('/etc/passwd', join(recorded, 'receipt.json'));
  await mkdir(join(recorded, 'quarantine_reason.json'));
  await mkdir(join(recorded, 'sub'));
  await writeFile(join(recorded, 'sub/receipt.json'), 'not at the top');
  await publish();
  assert.deepEqual((await readdir(target)).sort(), [
    'meta.json',
    'recorded-meta.json',
    'recorded-meta.json.2',
    'recorded-quarantine_reason.json',
    'recorded-receipt.json',
    'sub',
  ]);
  const meta = await readMeta();
  assert.equal(meta.code_version.commit, COMMIT);
  assert.deepEqual(
    meta.files.map((file) => file.path),
    ['recorded-meta.json', 'recorded-meta.json.2', 'sub/receipt.json'],
  );
});

test('what is no regular file stays, is not listed, and is not followed', async (t) => {
  const { recorded, target, publish, readMeta } = await makeRecording(await makeBench(t));
  await symlink('/', join(recorded, 'link-to-directory'));
  await symlink('gone', join(recorded, 'dangling'));
  const server = createServer().listen(join(recorded, 'socket'));
  t.after(() => server.close());
  await once(server, 'listening');
  await writeFile(join(recorded, 'data'), 'data');
  const notUtf8 = Buffer.concat([Buffer.from(`${recorded}/`), Buffer.from([0x66, 0xff])]);
  await writeFile(notUtf8, 'name of bytes');
  assert.deepEqual(await publish(), { files: 1, bytes: 4, unlisted: 4 });
  assert.deepEqual(
    (await readMeta()).files.map((file) => file.path),
    ['data'],
  );
  assert.equal((await readdir(target)).length, 6);
});

test('an episode that exists is never overwritten, not even an empty one', async (t) => {
  for (const content of [[], ['kept']]) {
    const { recorded, target, publish } = await makeRecording(await makeBench(t));
    await mkdir(target);
    for (const name of content) await writeFile(join(target, name), name);
    await assert.rejects(publish(), { name: 'AppError', code: 'episode-exists' });
    assert.deepEqual(await readdir(target), content);
    assert.ok((await readdir(recorded)).includes('meta.json'));
  }
});

test('a recording that was replaced by a link is not published', async (t) => {
  const { dataDir } = await makeBench(t);
  const recordedDirectory = join(dataDir, 'recording', 'e1');
  await symlink('/etc', recordedDirectory);
  const request = { recordedDirectory, episodesDirectory: join(dataDir, 'episodes'), meta: META };
  await assert.rejects(publishEpisode({ ...request, afterStep: noStepObserver }), { code: 'not-a-directory' });
});
