import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createNotifier } from '../../lib/sd-notify.ts';
import type { EpisodeMeta } from '../../protocol/episode-meta.ts';
import { runOrchestrator } from './app.ts';
import { type Bench, COMMIT, contentOf, isRunning, makeBench, shell, until } from './orchestrator.fixture.ts';
import type { Workload } from './record-episode.ts';

interface Started {
  stop: () => void;
  code: Promise<number>;
}

/** Starts it and, whatever the test comes to, stops it at its end. */
function start(
  t: TestContext,
  bench: Bench,
  workload: Workload[],
  rest: { once?: boolean; enabled?: boolean; drain_max_s?: number } = {},
): Started {
  const { once = false, enabled = true, drain_max_s = 0 } = rest;
  const stop = new AbortController();
  const { dataDir, installRoot, logger, clock } = bench;
  const config = {
    host_id: 'h1',
    paths: { data_dir: dataDir },
    orchestrator: { enabled, drain_max_s, workload },
  };
  const reloads = { load: () => Promise.resolve(config), subscribe: () => undefined };
  const notifier = createNotifier({}, logger);
  const code = runOrchestrator({ config, installRoot, once, stop: stop.signal, reloads, notifier, logger, clock });
  t.after(async () => {
    stop.abort();
    await code.catch(() => undefined);
  });
  return { stop: () => stop.abort(), code };
}

const episodesOf = ({ dataDir }: Bench) => readdir(join(dataDir, 'episodes'));
const abandonedOf = ({ dataDir }: Bench) => readdir(join(dataDir, 'recording', 'abandoned'));

async function readOnlyMeta(bench: Bench): Promise<EpisodeMeta> {
  const [id = ''] = await episodesOf(bench);
  return JSON.parse(await readFile(join(bench.dataDir, 'episodes', id, 'meta.json'), 'utf8')) as EpisodeMeta;
}

test('once: each workload is recorded and published, and said in one line', async (t) => {
  const bench = await makeBench(t);
  const workloads = [
    shell('echo one > data', { name: 'one', schema_version: '3' }),
    shell('echo two > data', { name: 'two' }),
  ];
  assert.equal(await start(t, bench, workloads, { once: true, enabled: false }).code, 0);
  const lines = bench.logged(/^episode recorded$/);
  assert.deepEqual(lines.map((line) => line.fields['workload']).sort(), ['one', 'two']);
  for (const { level, fields } of lines) {
    assert.equal(level, 'INFO');
    assert.deepEqual(Object.keys(fields), [
      'host',
      'episode',
      'workload',
      'commit',
      'files',
      'bytes',
      'duration_s',
      'exit',
    ]);
    const { episode = '', host, commit, files, bytes, exit } = fields;
    assert.deepEqual(
      { host, commit, files, bytes, exit },
      { host: 'h1', commit: COMMIT, files: '3', bytes: '4', exit: '0' },
    );
    const path = join(bench.dataDir, 'episodes', episode, 'meta.json');
    const meta = JSON.parse(await readFile(path, 'utf8')) as EpisodeMeta;
    assert.equal(meta.episode_id, episode);
    assert.equal(meta.host_id, 'h1');
    assert.equal(meta.schema_version, meta.workload === 'one' ? '3' : null);
    assert.equal(meta.code_version.commit, COMMIT);
    assert.deepEqual(
      meta.files.map((file) => file.path),
      ['data', 'stderr.log', 'stdout.log'],
    );
  }
  assert.deepEqual(await readdir(join(bench.dataDir, 'recording')), ['abandoned']);
});

test('once: a workload that fails is published with its exit, and warned of', async (t) => {
  const bench = await makeBench(t);
  assert.equal(await start(t, bench, [shell('echo partial > data; exit 7')], { once: true }).code, 0);
  assert.deepEqual((await readOnlyMeta(bench)).exit, { code: 7, signal: null, timed_out: false });
  assert.equal(bench.logged(/^the workload failed/)[0]?.level, 'WARNING');
  assert.equal(bench.logged(/^episode recorded$/)[0]?.fields['exit'], '7');
});

test('once: a command that cannot be started is set aside with a reason, and the others go on', async (t) => {
  const bench = await makeBench(t);
  const workloads = [shell('', { name: 'bad', command: ['/no/such/program'] }), shell('true', { name: 'good' })];
  assert.equal(await start(t, bench, workloads, { once: true }).code, 1);
  assert.deepEqual(
    (await episodesOf(bench)).map((id) => id.slice(0, 5)),
    ['good-'],
  );
  const [id = ''] = await abandonedOf(bench);
  assert.match(id, /^bad-/);
  const reason = await readFile(join(bench.dataDir, 'recording/abandoned', id, 'abandoned_reason.json'), 'utf8');
  assert.match(reason, /\/no\/such\/program ENOENT/);
  const [line] = bench.logged(/^the recording failed$/);
  assert.equal(line?.level, 'ERROR');
  assert.match(line?.fields['command'] ?? '', /\/no\/such\/program/);
  assert.match(line?.fields['hint'] ?? '', /command -v \/no\/such\/program/);
});

test('once: stopped while it records, it drains', async (t) => {
  const bench = await makeBench(t);
  const { stop, code } = start(t, bench, [shell('exec sleep 600')], { once: true, drain_max_s: 0 });
  await until('it records', async () => (await readdir(join(bench.dataDir, 'recording'))).length > 1);
  stop();
  assert.equal(await code, 1);
});

test('nothing to run: says what to set', async (t) => {
  const bench = await makeBench(t);
  assert.equal(await start(t, bench, [], {}).code, 2);
  assert.equal(await start(t, bench, [shell('true')], { enabled: false }).code, 2);
  assert.match(bench.log()[0]?.fields['hint'] ?? '', /\[\[orchestrator\.workload\]\]/);
  assert.match(bench.log()[1]?.fields['hint'] ?? '', /enabled = true/);
});

test('what a crash left is set aside before anything is recorded', async (t) => {
  const bench = await makeBench(t);
  await mkdir(join(bench.dataDir, 'recording', 'cut-off'));
  assert.equal(await start(t, bench, [shell('true')], { once: true }).code, 0);
  assert.deepEqual(await abandonedOf(bench), ['cut-off']);
  assert.equal((await episodesOf(bench)).length, 1);
});

test('a workload runs again after its interval, never beside itself', async (t) => {
  const bench = await makeBench(t);
  const busy = join(bench.root, 'busy');
  const gate = join(bench.root, 'go');
  const script = `mkdir ${busy} || exit 9; while [ ! -e ${gate} ]; do sleep 0.01; done; rmdir ${busy}`;
  const slow = shell(script, { name: 'slow', interval_s: 60 });
  const { stop, code } = start(t, bench, [slow, shell('true', { name: 'quick', interval_s: 10 })]);
  const exitsOf = (name: string) =>
    bench
      .logged(/^episode recorded$/)
      .filter((line) => line.fields['workload'] === name)
      .map((line) => line.fields['exit']);
  await until('the slow one records', async () => (await readdir(bench.root)).includes('busy'));
  // Each run of the quick one shows that the plan was looked at.
  const quickRunsAfter = async (seconds: number) => {
    const runs = exitsOf('quick').length;
    bench.clock.skip(seconds * 1000);
    await until('the quick one has run again', () => exitsOf('quick').length > runs);
  };
  await until('the quick one has run', () => exitsOf('quick').length === 1);
  for (let interval = 0; interval < 4; interval += 1) await quickRunsAfter(60);
  assert.deepEqual(exitsOf('slow'), []);

  // Once for all the intervals that passed, then after another whole one.
  await writeFile(gate, '');
  await until('the slow one has run again', () => exitsOf('slow').length === 2);
  for (let tenth = 0; tenth < 4; tenth += 1) await quickRunsAfter(10);
  assert.equal(exitsOf('slow').length, 2);
  bench.clock.skip(20_000);
  await until('the slow one has run three times', () => exitsOf('slow').length === 3);
  stop();
  assert.equal(await code, 0);
  assert.deepEqual(exitsOf('slow'), ['0', '0', '0']);
});

test('BACKPRESSURE: nothing starts until it is gone, and each change is said once', async (t) => {
  const bench = await makeBench(t);
  const file = join(bench.dataDir, 'BACKPRESSURE');
  await writeFile(file, '');
  start(t, bench, [shell('true')]);
  await until('it says so', () => bench.logged(/the disk is short/).length > 0);
  await rm(file);
  await until('it has recorded', () => {
    bench.clock.skip(5_000);
    return bench.logged(/^episode recorded$/).length > 0;
  });
  const changes = bench.log().filter((line) => /disk is short|room again|episode recorded/.test(line.message));
  assert.deepEqual(
    changes.slice(0, 3).map((line) => line.level),
    ['WARNING', 'INFO', 'INFO'],
  );
  assert.match(changes[2]?.message ?? '', /episode recorded/);
});

test('VERSION missing: nothing starts, said once; when it appears the workload starts', async (t) => {
  const bench = await makeBench(t);
  const path = join(bench.installRoot, 'VERSION');
  await rm(path);
  start(t, bench, [shell('true')]);
  const refusals = () => bench.logged(/no usable VERSION/);
  await until('it says so', () => refusals().length > 0);
  await writeFile(path, 'malformed');
  await until('it says what else is wrong', () => {
    bench.clock.skip(5_000);
    return refusals().length > 1;
  });
  await writeFile(path, COMMIT);
  await until('it has recorded', () => {
    bench.clock.skip(5_000);
    return bench.logged(/^episode recorded$/).length > 0;
  });
  assert.deepEqual(
    refusals().map((line) => line.level),
    ['ERROR', 'ERROR'],
  );
  assert.match(refusals()[0]?.fields['reason'] ?? '', /VERSION is missing/);
  assert.match(refusals()[0]?.fields['hint'] ?? '', /git -C .* rev-parse HEAD > .*VERSION/);
  assert.match(refusals()[1]?.fields['reason'] ?? '', /holds no full git commit/);
  assert.equal(bench.logged(/has its VERSION/).length, 1);
});

test('the commit is the one at the start of the recording', async (t) => {
  const bench = await makeBench(t);
  const script = `printf %040d 7 > ${bench.installRoot}/VERSION`;
  assert.equal(await start(t, bench, [shell(script)], { once: true }).code, 0);
  assert.equal((await readOnlyMeta(bench)).code_version.commit, COMMIT);
});

test('stopped: the running recording comes to its end and is published, and nothing else starts', async (t) => {
  const bench = await makeBench(t);
  const gate = join(bench.root, 'go');
  const workload = shell(`echo $$ > ${bench.root}/pid; while [ ! -e ${gate} ]; do sleep 0.01; done`, { interval_s: 1 });
  const { stop, code } = start(t, bench, [workload], { drain_max_s: 600 });
  await contentOf(join(bench.root, 'pid'));
  stop();
  await until('it drains', () => bench.logged(/waiting for the running recordings/).length === 1);
  bench.clock.skip(599_000);
  await writeFile(gate, '');
  assert.equal(await code, 0);
  assert.equal((await episodesOf(bench)).length, 1);
  assert.deepEqual((await readOnlyMeta(bench)).exit, { code: 0, signal: null, timed_out: false });
  assert.deepEqual(await abandonedOf(bench), []);
});

test('stopped: what still runs after drain_max_s is ended and set aside', async (t) => {
  const bench = await makeBench(t);
  const { stop, code } = start(t, bench, [shell(`echo $$ > ${bench.root}/pid; exec sleep 600`)], { drain_max_s: 600 });
  const pid = Number(await contentOf(join(bench.root, 'pid')));
  stop();
  await until('it drains', () => bench.logged(/waiting for the running recordings/).length === 1);
  assert.ok(await isRunning(pid));
  bench.clock.skip(600_000);
  assert.equal(await code, 0);
  assert.equal(await isRunning(pid), false);
  assert.deepEqual(await episodesOf(bench), []);
  assert.equal((await abandonedOf(bench)).length, 1);
});

test('one orchestrator a data directory', async (t) => {
  const bench = await makeBench(t);
  const first = start(t, bench, [shell('true')]);
  await until('the first has recorded', () => bench.logged(/^episode recorded$/).length > 0);
  await assert.rejects(start(t, bench, [shell('true')]).code, { code: 'already-running' });
  first.stop();
  assert.equal(await first.code, 0);
  assert.equal(await start(t, bench, [shell('true')], { once: true }).code, 0);
});

test('systemd is told when it is ready and what records; a new configuration counts for the next starts', async (t) => {
  const bench = await makeBench(t);
  const gate = join(bench.root, 'go');
  const slow = shell(`echo $$ > ${bench.root}/pid; while [ -d ${bench.root} -a ! -e ${gate} ]; do sleep 0.01; done`, {
    name: 'slow',
  });
  const configOf = (host_id: string, enabled: boolean, workload: Workload[]) => ({
    host_id,
    paths: { data_dir: bench.dataDir },
    orchestrator: { enabled, drain_max_s: 600, workload },
  });
  const stop = new AbortController();
  const said: string[] = [];
  const notifier = {
    ready: () => said.push('ready'),
    status: (text: string) => said.push(text),
    stopping: () => said.push('stopping'),
  };
  let hangUp = () => {};
  let next = () => Promise.resolve(configOf('h1', true, []));
  const { installRoot, logger, clock } = bench;
  const code = runOrchestrator({
    config: configOf('h1', true, [slow]),
    installRoot,
    once: false,
    stop: stop.signal,
    reloads: { load: () => next(), subscribe: (listener) => (hangUp = listener) },
    notifier,
    logger,
    clock,
  });
  t.after(async () => {
    stop.abort();
    await code.catch(() => undefined);
  });
  await contentOf(join(bench.root, 'pid'));
  assert.deepEqual(said, ['ready', 'nothing records now', 'recording slow']);

  next = () => Promise.reject(new Error('no such key'));
  hangUp();
  await until('it is told', () => bench.logged(/not usable; the old one stays/).length === 1);
  next = () => Promise.resolve(configOf('h2', true, [shell('true', { name: 'other' })]));
  hangUp();
  await until('the other one runs', () => bench.logged(/^episode recorded$/).length === 1);
  assert.match(bench.logged(/at the next restart/)[0]?.fields['what'] ?? '', /host_id/);
  next = () => Promise.resolve(configOf('h1', false, [shell('true', { name: 'never' })]));
  hangUp();
  await until('it is told', () => bench.logged(/nothing starts any more/).length === 1);

  // What is no longer configured still comes to its end.
  stop.abort();
  await until('it drains', () => bench.logged(/waiting for the running recordings/).length === 1);
  await writeFile(gate, '');
  assert.equal(await code, 0);
  const recorded = bench.logged(/^episode recorded$/).map(({ fields }) => fields['workload']);
  assert.deepEqual(recorded, ['other', 'slow']);
  assert.deepEqual(said.slice(3), ['recording slow, other', 'recording slow', 'stopping', 'nothing records now']);
});

test('a reload that no longer knows the workload of a job throws none away; the next one that knows it runs them', async (t) => {
  const bench = await makeBench(t);
  const queue = join(bench.dataDir, 'queue');
  const grasp = (() => {
    const { interval_s: _, ...rest } = shell('echo "$CIS490_JOB_ID" > job', { name: 'grasp', queue: true });
    return rest;
  })();
  const configOf = (workload: Workload[]) => ({
    host_id: 'h1',
    paths: { data_dir: bench.dataDir },
    orchestrator: { enabled: true, drain_max_s: 0, workload },
  });
  const stop = new AbortController();
  let hangUp = () => {};
  let isReady = false;
  let next = configOf([grasp]);
  const { installRoot, logger, clock } = bench;
  const code = runOrchestrator({
    config: next,
    installRoot,
    once: false,
    stop: stop.signal,
    reloads: { load: () => Promise.resolve(next), subscribe: (listener) => (hangUp = listener) },
    notifier: { ready: () => (isReady = true), status: () => {}, stopping: () => {} },
    logger,
    clock,
  });
  t.after(async () => {
    stop.abort();
    await code.catch(() => undefined);
  });
  await until('it is ready', () => isReady);
  const told = () => bench.logged(/^jobs wait in the queue/);
  // By mistake: another name, then no workload with a queue at all.
  next = configOf([{ ...grasp, name: 'grsap' }]);
  hangUp();
  await until('it is read', () => bench.logged(/^configuration read again$/).length === 1);
  for (const name of ['a', 'b']) {
    await writeFile(join(queue, `.${name}`), '{"workload":"grasp"}');
    await rename(join(queue, `.${name}`), join(queue, `${name}.json`));
  }
  await writeFile(join(queue, 'broken.json'), '{}');
  await until('it is told', () => told().length > 0);
  assert.deepEqual([told()[0]?.level, told()[0]?.fields['nearest']], ['WARNING', 'grsap']);
  await until('what is no job has failed', async () => {
    bench.clock.skip(10_000);
    return (await readdir(join(queue, 'failed'))).length > 0;
  });
  const tellings = told().length;
  next = configOf([]);
  hangUp();
  await until('it is told again', () => told().length === tellings + 1);
  assert.equal(told().at(-1)?.fields['known'], '[]');
  assert.deepEqual((await readdir(queue)).filter((name) => name.endsWith('.json')).sort(), ['a.json', 'b.json']);

  next = configOf([grasp]);
  hangUp();
  await until('both are done', async () => {
    bench.clock.skip(1_000);
    return (await readdir(join(queue, 'done'))).length === 2;
  });
  assert.deepEqual(await readdir(join(queue, 'failed')), ['broken.json']);
  assert.deepEqual((await readdir(join(queue, 'done'))).sort(), ['a.json', 'b.json']);
});
