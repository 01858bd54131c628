import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { noStepObserver } from '../../lib/after-step.ts';
import { claimJob, noteRun } from './claimed-job.ts';
import { fileJob, fileUnreadable } from './file-job.ts';
import { MAX_JOB_BYTES } from './job.ts';
import { JobQueue } from './job-queue.ts';
import { makeBench } from './orchestrator.fixture.ts';
import { MAX_RUNS, recoverJobs } from './recover-jobs.ts';

const ONLY_W: ReadonlySet<string> = new Set(['w']);
const JOB = '{"workload":"w"}';

async function makeQueue(t: TestContext) {
  const bench = await makeBench(t);
  const directory = join(bench.dataDir, 'queue');
  const { clock, logger } = bench;
  const open = async (hostId: string) => {
    const queue = new JobQueue({ directory, hostId, clock, logger, afterStep: noStepObserver });
    await queue.makeDirectories();
    return queue;
  };
  const queue = await open('h1');
  const put = async (name: string, text: string, mtimeS = 1_000) => {
    await writeFile(join(directory, name), text);
    await utimes(join(directory, name), mtimeS, mtimeS);
  };
  const namesIn = async (place: string) => (await readdir(join(directory, place))).sort();
  const read = async (path: string) => JSON.parse(await readFile(join(directory, path), 'utf8'));
  return { bench, directory, queue, open, put, namesIn, read };
}

const filesOf = async (queue: JobQueue) => (await queue.look(ONLY_W)).map(({ fileName }) => fileName);

test('oldest first, then by name; what is being written is left alone', async (t) => {
  const { directory, queue, put } = await makeQueue(t);
  await put('c.json', JOB, 10);
  await put('b.json', JOB, 20);
  await put('a.json', JOB, 20);
  for (const name of ['.d.json', 'e.json.tmp', 'f.tmp', 'g.txt']) await put(name, JOB);
  await mkdir(join(directory, 'dir.json'));
  assert.deepEqual(await filesOf(queue), ['c.json', 'a.json', 'b.json']);
});

test('of two claimers one gets each job, whatever they saw before', async (t) => {
  const { queue, open, put, namesIn } = await makeQueue(t);
  const other = await open('h2');
  for (let n = 0; n < 20; n += 1) await put(`${n}.json`, JOB);
  const seen = [await queue.look(ONLY_W), await other.look(ONLY_W)];
  const claimed = await Promise.all(
    (seen[0] ?? []).map((job, n) => Promise.all([queue.claim(job), other.claim(seen[1]?.[n] ?? job)])),
  );
  for (const pair of claimed) assert.equal(pair.filter((claim) => claim !== undefined).length, 1);
  const held = [...(await namesIn('claimed/h1')), ...(await namesIn('claimed/h2'))];
  assert.equal(held.length, 20);
  assert.deepEqual(await namesIn('failed'), []);
});

test('a job of a workload that is not known here stays, is told once, and runs when the configuration knows it', async (t) => {
  const { queue, put, namesIn, bench } = await makeQueue(t);
  const look = async (...names: string[]) => (await queue.look(new Set(names))).map(({ fileName }) => fileName);
  const told = () => bench.logged(/^jobs wait in the queue/).map(({ fields }) => fields);
  await put('a.json', '{"workload":"grap"}', 1);
  await put('b.json', '{"workload":"grap"}', 2);
  await put('c.json', '{"workload":"of-another-host"}', 3);
  for (let n = 0; n < 3; n += 1) assert.deepEqual(await look('grasp', 'push'), []);
  assert.deepEqual(await namesIn('failed'), []);
  assert.deepEqual(
    told().map(({ workload, jobs, first, known, nearest }) => [workload, jobs, first, known, nearest]),
    [
      ['grap', '2', 'a.json', '["grasp","push"]', 'grasp'],
      ['of-another-host', '1', 'c.json', '["grasp","push"]', undefined],
    ],
  );
  assert.match(told()[0]?.['hint'] ?? '', /did you mean grasp\?.*systemctl reload cis490-orchestrator/);

  assert.deepEqual(await look('grap'), ['a.json', 'b.json']);
  assert.equal(told().length, 3, 'of the other one again, under another configuration');
  assert.deepEqual(await look(), []);
  assert.equal(told().at(-1)?.['known'], '[]');
});

test('what has failed is kept whole with its reason, and nothing is overwritten', async (t) => {
  const { queue, put, namesIn, read, bench } = await makeQueue(t);
  for (const n of [1, 2, 3]) {
    await put('a.json', JSON.stringify({ workload: '../w', n }));
    assert.deepEqual(await filesOf(queue), []);
    bench.clock.skip(10_000);
    assert.deepEqual(await filesOf(queue), []);
  }
  assert.deepEqual(await namesIn('failed'), ['a.2.json', 'a.3.json', 'a.json']);
  const { outcome, ...content } = await read('failed/a.2.json');
  assert.deepEqual(content, { workload: '../w', n: 2 });
  assert.match(outcome.reason, /must be the name of a workload/);
  assert.equal(outcome.host_id, 'h1');
  assert.deepEqual(await namesIn('claimed/h1'), []);
  assert.equal(bench.logged(/^the job failed$/).length, 3);
});

test('what is no job is judged only when nothing has changed it for 10 s', async (t) => {
  const { queue, put, namesIn, read, bench, directory } = await makeQueue(t);
  await put('a.json', '{"workload":');
  await put('big.json', ' '.repeat(MAX_JOB_BYTES + 1));
  await put('list.json', '[]');
  assert.deepEqual(await filesOf(queue), []);
  bench.clock.skip(9_000);
  // Still being copied in: the time begins anew.
  await put('a.json', '{"workload":"w"', 1_001);
  await filesOf(queue);
  assert.deepEqual(await namesIn('failed'), []);
  bench.clock.skip(9_000);
  await filesOf(queue);
  assert.deepEqual(await namesIn('failed'), ['big.json', 'big.json.reason', 'list.json', 'list.json.reason']);
  assert.equal((await readFile(join(directory, 'failed/big.json'))).length, MAX_JOB_BYTES + 1);
  assert.match((await read('failed/list.json.reason')).outcome.reason, /no JSON object/);
  await put('a.json', JOB, 1_002);
  assert.deepEqual(await filesOf(queue), ['a.json']);
});

test('a job that is exchanged while it is claimed is not run as another', async (t) => {
  const { queue, put, namesIn } = await makeQueue(t);
  await put('a.json', JOB);
  const [waiting] = await queue.look(ONLY_W);
  await put('a.json', '{"workload":"other"}');
  assert.equal(waiting && (await queue.claim(waiting)), undefined);
  assert.deepEqual(await namesIn('failed'), ['a.json']);
});

test('names as long as Linux takes, and one file twice', async (t) => {
  const { queue, put, namesIn, bench } = await makeQueue(t);
  const long = `${'x'.repeat(250)}.json`;
  for (let n = 0; n < 2; n += 1) {
    await put(long, '{}');
    await filesOf(queue);
    bench.clock.skip(10_000);
    await filesOf(queue);
  }
  assert.deepEqual(
    (await namesIn('failed')).map((name) => name.length),
    [57, 55],
  );
});

test('what a crash left claimed is run first; after as many runs as are allowed it fails; of another host it stays', async (t) => {
  const { queue, open, put, namesIn, read, directory } = await makeQueue(t);
  const claimOf = async (by: JobQueue, name: string) => {
    await put(name, JOB);
    const waiting = (await by.look(ONLY_W)).find(({ fileName }) => fileName === name);
    const claimed = waiting && (await by.claim(waiting));
    assert.ok(claimed);
    return claimed;
  };
  const other = await open('h2');
  await claimOf(other, 'others.json');
  await claimOf(queue, 'never-run.json');
  await noteRun(await claimOf(queue, 'once.json'), { episode_id: 'gone', run: 1 }, noStepObserver);
  await noteRun(await claimOf(queue, 'often.json'), { episode_id: 'gone', run: MAX_RUNS }, noStepObserver);
  await noteRun(await claimOf(queue, 'shipped.json'), { episode_id: 'e1', run: 1 }, noStepObserver);
  await mkdir(join(directory, '../shipped/e1'), { recursive: true });
  const exit = { code: 3, signal: null, timed_out: false };
  await writeFile(join(directory, '../shipped/e1/meta.json'), JSON.stringify({ exit, duration_s: 2 }));
  await mkdir(join(directory, 'claimed/h1/empty'));
  await put('new.json', JOB, 1);

  const next = await open('h1');
  await recoverJobs(next);
  const waiting = await next.look(ONLY_W);
  assert.deepEqual(
    waiting.map(({ fileName }) => fileName),
    ['never-run.json', 'once.json', 'new.json'],
  );
  assert.deepEqual(next.resumed.map(({ runs }) => runs).sort(), [0, 1]);
  assert.deepEqual(await namesIn('failed'), ['often.json']);
  assert.match((await read('failed/often.json')).outcome.reason, /stopped 3 times/);
  assert.deepEqual(await namesIn('done'), ['shipped.json']);
  const { outcome } = await read('done/shipped.json');
  assert.deepEqual([outcome.episode_id, outcome.exit, outcome.duration_s], ['e1', exit, 2]);
  assert.equal((await namesIn('claimed/h1')).length, 2);
  assert.equal((await namesIn('claimed/h2')).length, 1);

  // A workload that was taken out of the configuration meanwhile: they wait where they are.
  assert.deepEqual(await next.look(new Set()), []);
  assert.deepEqual(await namesIn('failed'), ['often.json']);
  assert.deepEqual(
    (await next.look(ONLY_W)).map(({ fileName }) => fileName),
    ['never-run.json', 'once.json', 'new.json'],
  );
});

for (const step of ['outcome-written', 'job-filed', 'filed-synced'] as const) {
  test(`cut off after ${step}: filed once`, async (t) => {
    const { queue, put, namesIn, read, open, directory, bench } = await makeQueue(t);
    await put('a.json', JOB);
    const [waiting] = await queue.look(ONLY_W);
    const claimed = waiting && (await queue.claim(waiting));
    assert.ok(claimed);
    const outcome = { host_id: 'h1', filed_at_wall: bench.clock.wallTime(), result: 'done', episode_id: 'e1' } as const;
    const cut = (done: string) => {
      if (done === step) throw new Error('cut off');
    };
    const filing = { queueDirectory: directory, afterStep: cut };
    await assert.rejects(fileJob(filing, claimed, claimed.job.content, outcome), /cut off/);
    const next = await open('h1');
    await recoverJobs(next);
    assert.deepEqual(await filesOf(next), []);
    assert.deepEqual(await namesIn('done'), ['a.json']);
    assert.equal((await read('done/a.json')).outcome.episode_id, 'e1');
    assert.deepEqual(await namesIn('claimed/h1'), []);
  });
}

test('a claim that cannot be read stays, and the others are taken up', async (t) => {
  const { queue, put, directory, bench } = await makeQueue(t);
  for (const name of ['a.json', 'b.json']) await put(name, JOB);
  for (const waiting of await queue.look(ONLY_W)) await queue.claim(waiting);
  const [first = ''] = await readdir(queue.claimedDirectory);
  await writeFile(join(queue.claimedDirectory, first, '.run.json'), 'torn');
  await rename(join(directory, 'done'), join(directory, 'kept'));
  await recoverJobs(queue);
  assert.equal(queue.resumed.length, 1);
  assert.equal(bench.logged(/could not be taken up/).length, 1);
});

for (const step of ['outcome-written', 'job-filed', 'filed-synced'] as const) {
  test(`what is no job, cut off after ${step}: it is in failed/ whole, with its reason`, async (t) => {
    const { queue, put, namesIn, read, open, directory, bench } = await makeQueue(t);
    await put('a.json', 'no JSON');
    const claim = await claimJob(directory, queue.claimedDirectory, 'a.json', noStepObserver);
    assert.ok(claim);
    const outcome = { host_id: 'h1', filed_at_wall: bench.clock.wallTime(), result: 'failed', reason: 'bad' } as const;
    const cut = (done: string) => {
      if (done === step) throw new Error('cut off');
    };
    await assert.rejects(fileUnreadable({ queueDirectory: directory, afterStep: cut }, claim, outcome), /cut off/);
    const next = await open('h1');
    await recoverJobs(next);
    assert.deepEqual(await namesIn('claimed/h1'), []);
    const name = step === 'outcome-written' ? 'a.2.json' : 'a.json';
    assert.equal(await readFile(join(directory, 'failed', name), 'utf8'), 'no JSON');
    assert.ok((await read(`failed/${name}.reason`)).outcome.reason.length > 0);
  });
}

test('a job that cannot be claimed keeps no other one waiting, and is told once', async (t) => {
  const { bench, directory, put } = await makeQueue(t);
  const { clock, logger, logged } = bench;
  let isStuck = true;
  const afterStep = (step: string) => {
    if (isStuck && step === 'claim-made') throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
  };
  const queue = new JobQueue({ directory, hostId: 'h1', clock, logger, afterStep });
  await put('a.json', JOB);
  await put('b.json', '{}');
  await queue.look(ONLY_W);
  clock.skip(10_000);
  for (let n = 0; n < 3; n += 1) {
    const [waiting] = await queue.look(ONLY_W);
    assert.equal(waiting && (await queue.claim(waiting)), undefined);
  }
  assert.equal(logged(/cannot be claimed/).length, 2);
  isStuck = false;
  const [waiting] = await queue.look(ONLY_W);
  assert.equal(waiting && (await queue.claim(waiting))?.job.id, 'a');
});
