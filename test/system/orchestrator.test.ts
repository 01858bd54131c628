// The real orchestrator on a queue: each job once, whoever claims and whenever it is killed; its configuration, its stop.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { JobStep } from '../../src/lab-host/orchestrator/job-step.ts';
import type { PublishStep } from '../../src/lab-host/orchestrator/publish-episode.ts';
import { GOOD_COMMIT } from '../support/fleet.ts';
import { namesIn } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Host {
  root: string;
  data: string;
  queue: string;
  config: string;
  code: string;
  /** Writes lab-host.toml with the orchestrator's part. */
  configure: (orchestrator: string) => void;
}

function makeHost(root: string, hostId = 'lab-1'): Host {
  const data = join(root, hostId);
  const code = join(root, 'code');
  const config = join(root, `${hostId}.toml`);
  mkdirSync(data, { recursive: true });
  mkdirSync(code, { recursive: true });
  writeFileSync(join(code, 'VERSION'), GOOD_COMMIT);
  const configure = (orchestrator: string) =>
    writeFileSync(
      config,
      `host_id = "${hostId}"\n[paths]\ndata_dir = "${data}"\n[receiver]\nurl = "http://127.0.0.1:1"\n[orchestrator]\nenabled = true\n${orchestrator}`,
    );
  return { root, data, queue: join(data, 'queue'), config, code, configure };
}

const workload = (host: Host, name: string, script: string, occasion = 'queue = true') =>
  `[[orchestrator.workload]]\nname = "${name}"\ncommand = ["sh", "-c", ${JSON.stringify(script)}, "sh"]\n${occasion}\ncode_root = "${host.code}"\n`;

/** As a writer should: under another name, then renamed. */
function putJob(queue: string, name: string, job: Record<string, unknown>): void {
  mkdirSync(queue, { recursive: true });
  writeFileSync(join(queue, `.${name}`), JSON.stringify(job));
  renameSync(join(queue, `.${name}`), join(queue, name));
}

function start(t: TestContext, host: Host, ...more: string[]): Program {
  const program = Program.cis490(['orchestrator', '--config', host.config, ...more]);
  t.after(() => program.kill());
  return program;
}

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const metaOf = ({ data }: Host, episodeId: string) => readJson(join(data, 'episodes', episodeId, 'meta.json'));
const claimsOf = ({ queue }: Host) => namesIn(join(queue, 'claimed/lab-1'));

test('a job is run with its arguments and environment, and is in meta.json and in done/ with what came of it', async (t) => {
  const host = makeHost(temporaryDirectory(t));
  host.configure(
    workload(host, 'w', 'echo "$1 $A $CIS490_JOB_ID"; cp "$CIS490_JOB_FILE" job-copy; test -z "$EXIT" || exit $EXIT') +
      workload(host, 'missing', '').replace('"sh", "-c"', '"/no/such/program"'),
  );
  const good = { workload: 'w', id: 'grasp-7', args: ['two words'], env: { A: 'b' }, operator: { name: 'ada' } };
  putJob(host.queue, 'good.json', good);
  putJob(host.queue, 'failing.json', { workload: 'w', env: { EXIT: '3' } });
  putJob(host.queue, 'not-started.json', { workload: 'missing' });
  putJob(host.queue, 'unknown.json', { workload: 'nobody' });
  const orchestrator = start(t, host);
  await eventually(() => namesIn(join(host.queue, 'done')).length === 2, 'two jobs are done');
  await eventually(() => namesIn(join(host.queue, 'failed')).length === 1, 'one job has failed');
  await orchestrator.printed(/WARNING jobs wait in the queue: .* workload=nobody /);
  assert.deepEqual(await orchestrator.stop(), { code: 0, signal: null });

  const { outcome, ...content } = readJson(join(host.queue, 'done/good.json'));
  assert.deepEqual(content, good);
  const meta = metaOf(host, outcome.episode_id);
  assert.deepEqual(meta.job, { id: 'grasp-7', content: good });
  assert.equal(meta.code_version.commit, GOOD_COMMIT);
  const { host_id, filed_at_wall, episode_id, result, ...times } = outcome;
  assert.deepEqual([host_id, result], ['lab-1', 'done']);
  assert.match(filed_at_wall, /\+00:00$/);
  const { started_at_wall, ended_at_wall, duration_s, exit } = meta;
  assert.deepEqual(times, { started_at_wall, ended_at_wall, duration_s, exit });
  const episode = join(host.data, 'episodes', episode_id);
  assert.equal(readFileSync(join(episode, 'stdout.log'), 'utf8'), 'two words b grasp-7\n');
  assert.deepEqual(readJson(join(episode, 'job-copy')), good);

  const failing = readJson(join(host.queue, 'done/failing.json')).outcome;
  assert.equal(failing.exit.code, 3);
  assert.deepEqual(metaOf(host, failing.episode_id).job, {
    id: 'failing',
    content: { workload: 'w', env: { EXIT: '3' } },
  });
  assert.match(readJson(join(host.queue, 'failed/not-started.json')).outcome.reason, /\/no\/such\/program ENOENT/);
  assert.deepEqual(readJson(join(host.queue, 'unknown.json')), { workload: 'nobody' });
  assert.deepEqual(claimsOf(host), []);
});

test('two orchestrators on one shared queue run each job once, one at a time of a workload', async (t) => {
  const root = temporaryDirectory(t);
  const shared = join(root, 'shared');
  const hosts = ['lab-1', 'lab-2'].map((hostId) => makeHost(root, hostId));
  for (let n = 0; n < 24; n += 1) putJob(shared, `${n}.json`, { workload: n % 3 ? 'w' : 'v', args: [`${n}`] });
  for (const host of hosts) {
    symlinkSync(shared, host.queue);
    const script = (name: string) =>
      `mkdir ${host.data}/${name} && echo "$1" >> ${root}/ran && rmdir ${host.data}/${name}`;
    host.configure(workload(host, 'w', script('w')) + workload(host, 'v', script('v')));
  }
  const programs = hosts.map((host) => start(t, host, '--once'));
  for (const program of programs) assert.equal((await program.ended).code, 0, program.stderr);
  const ran = readFileSync(join(root, 'ran'), 'utf8').trim().split('\n').map(Number);
  assert.deepEqual(
    ran.sort((a, b) => a - b),
    Array.from({ length: 24 }, (_, n) => n),
  );
  const outcomes = namesIn(join(shared, 'done')).map((name) => readJson(join(shared, 'done', name)).outcome);
  assert.equal(outcomes.length, 24);
  // mkdir failed where two ran at once.
  for (const { exit } of outcomes) assert.equal(exit.code, 0);
  const episodes = hosts.flatMap(({ data }) => readdirSync(join(data, 'episodes')));
  assert.deepEqual(episodes.sort(), outcomes.map(({ episode_id }) => episode_id).sort());
});

describe('killed at each step of a job, the next start ends it without a hand', () => {
  /** How often it has run when the next start has ended. */
  const RUNS: Record<JobStep | PublishStep, number> = {
    'claim-made': 1,
    'job-claimed': 1,
    'claim-synced': 1,
    'run-noted': 1,
    'files-synced': 2,
    'meta-synced': 2,
    'directory-synced': 2,
    renamed: 1,
    'parents-synced': 1,
    'outcome-written': 1,
    'job-filed': 1,
    'filed-synced': 1,
    'claim-removed': 1,
  };
  const script = join(import.meta.dirname, '../support/killed-orchestrator.main.ts');
  for (const [step, runs] of Object.entries(RUNS)) {
    test(step, async (t) => {
      const host = makeHost(temporaryDirectory(t));
      host.configure(workload(host, 'w', `echo ran >> ${host.root}/ran; echo data > data`));
      putJob(host.queue, 'a.json', { workload: 'w', note: 1 });
      const killed = Program.script(script, [host.config, host.code, step, '1']);
      assert.equal((await killed.ended).signal, 'SIGKILL', `it was not killed after ${step}:\n${killed.stderr}`);

      const next = start(t, host, '--once');
      assert.equal((await next.ended).code, 0, next.stderr);
      assert.equal(readFileSync(join(host.root, 'ran'), 'utf8'), 'ran\n'.repeat(runs));
      const [episodeId = '', ...others] = namesIn(join(host.data, 'episodes'));
      assert.deepEqual(others, []);
      const { outcome, ...content } = readJson(join(host.queue, 'done/a.json'));
      assert.deepEqual(content, { workload: 'w', note: 1 });
      assert.equal(outcome.episode_id, episodeId);
      assert.deepEqual(outcome.exit, { code: 0, signal: null, timed_out: false });
      assert.deepEqual(metaOf(host, episodeId).job, { id: 'a', content });
      assert.deepEqual(namesIn(host.queue), ['claimed', 'done', 'failed']);
      assert.deepEqual(claimsOf(host), []);
      assert.equal(namesIn(join(host.data, 'recording/abandoned')).length, runs - 1);
    });
  }
});

test('a job that brings its orchestrator down each time is given up after three runs', async (t) => {
  const host = makeHost(temporaryDirectory(t));
  host.configure(workload(host, 'w', `echo ran >> ${host.root}/ran; kill -9 $PPID; sleep 0.1`));
  putJob(host.queue, 'poison.json', { workload: 'w' });
  for (let n = 0; n < 3; n += 1) assert.equal((await start(t, host, '--once').ended).signal, 'SIGKILL');
  const last = start(t, host, '--once');
  assert.equal((await last.ended).code, 0, last.stderr);
  assert.equal(readFileSync(join(host.root, 'ran'), 'utf8'), 'ran\n'.repeat(3));
  assert.match(readJson(join(host.queue, 'failed/poison.json')).outcome.reason, /stopped 3 times/);
  assert.deepEqual(namesIn(join(host.data, 'episodes')), []);
});

test('killed while a job runs: the next start ends what it left running, also outside of its group, and runs the job again', async (t) => {
  const host = makeHost(temporaryDirectory(t));
  const script = `[ -e ${host.root}/pids ] && exit; setsid sh -c 'echo $$ >> ${host.root}/pids; exec sleep 600' & echo $$ >> ${host.root}/pids; exec sleep 600`;
  host.configure(workload(host, 'w', script));
  putJob(host.queue, 'a.json', { workload: 'w' });
  const killed = start(t, host);
  const pids = () =>
    namesIn(host.root).includes('pids') && readFileSync(join(host.root, 'pids'), 'utf8').trim().split('\n');
  await eventually(() => (pids() || []).length === 2, 'both processes run');
  const isGone = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return true;
    }
  };
  t.after(() => {
    for (const pid of (pids() || []).filter((pid) => !isGone(pid))) process.kill(Number(pid), 'SIGKILL');
  });
  await killed.kill();

  const next = start(t, host, '--once');
  assert.equal((await next.ended).code, 0, next.stderr);
  for (const pid of pids() || []) assert.ok(isGone(pid), `${pid} runs\n${next.stderr}`);
  assert.equal(next.stderr.match(/WARNING ended a workload that an earlier orchestrator left running/g)?.length, 2);
  assert.deepEqual(namesIn(join(host.queue, 'done')), ['a.json']);
  assert.equal(namesIn(join(host.data, 'recording/abandoned')).length, 1);
});

test('SIGTERM: the running job ends and is filed, and the next one waits', async (t) => {
  const host = makeHost(temporaryDirectory(t));
  host.configure(
    workload(host, 'w', `touch ${host.root}/started; while [ ! -e ${host.root}/go ]; do sleep 0.02; done`),
  );
  putJob(host.queue, 'a.json', { workload: 'w' });
  putJob(host.queue, 'b.json', { workload: 'w' });
  const orchestrator = start(t, host);
  await eventually(() => namesIn(host.root).includes('started'), 'the first job runs');
  orchestrator.signal('SIGTERM');
  await orchestrator.printed(/waiting for the running recordings/);
  writeFileSync(join(host.root, 'go'), '');
  assert.deepEqual(await orchestrator.ended, { code: 0, signal: null });
  assert.deepEqual(namesIn(join(host.queue, 'done')), ['a.json']);
  assert.ok(namesIn(host.queue).includes('b.json'));
});

test('SIGTERM: a job that outlasts the drain is ended with all its processes, set aside, and run again', async (t) => {
  const host = makeHost(temporaryDirectory(t));
  const script = `[ -e ${host.root}/pid ] && exit; sh -c 'echo $$ > ${host.root}/pid; exec sleep 600' & wait`;
  host.configure(`drain_max_s = 0\n${workload(host, 'w', script)}`);
  putJob(host.queue, 'a.json', { workload: 'w' });
  const orchestrator = start(t, host);
  const pidFile = join(host.root, 'pid');
  await eventually(() => namesIn(host.root).includes('pid') && readFileSync(pidFile, 'utf8').endsWith('\n'), 'it runs');
  assert.deepEqual(await orchestrator.stop(), { code: 0, signal: null });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.deepEqual(namesIn(join(host.data, 'episodes')), []);
  assert.equal(claimsOf(host).length, 1);

  const next = start(t, host, '--once');
  assert.equal((await next.ended).code, 0, next.stderr);
  assert.match(next.stderr, /WARNING recordings that were set aside lie here count=1 size=/);
  assert.deepEqual(namesIn(join(host.queue, 'done')), ['a.json']);
});

test('SIGHUP: the next starts go by the new configuration; a bad one is told, and the old one stays', async (t) => {
  const host = makeHost(temporaryDirectory(t));
  host.configure(workload(host, 'w', 'true'));
  const orchestrator = start(t, host);
  await eventually(() => namesIn(join(host.queue, 'claimed')).length === 1, 'it has its queue');
  putJob(host.queue, 'a.json', { workload: 'w' });
  await orchestrator.printed(/job done job=a /);

  host.configure(`${workload(host, 'w', 'true')}surprise = 1\n`);
  orchestrator.signal('SIGHUP');
  await orchestrator.printed(/ERROR the new configuration is not usable; the old one stays in force.*surprise/);
  putJob(host.queue, 'b.json', { workload: 'w' });
  await orchestrator.printed(/job done job=b /);

  host.configure(workload(host, 'v', 'true') + workload(host, 'timed', 'true', 'interval_s = 3600'));
  orchestrator.signal('SIGHUP');
  await orchestrator.printed(/INFO configuration read again/);
  await orchestrator.printed(/episode recorded .*workload=timed/);
  putJob(host.queue, 'c.json', { workload: 'v' });
  await orchestrator.printed(/job done job=c workload=v/);
  putJob(host.queue, 'd.json', { workload: 'w' });
  await orchestrator.printed(/jobs wait in the queue: .* workload=w /);

  host.configure('enabled = true'.replace('enabled = true', ''));
  orchestrator.signal('SIGHUP');
  await orchestrator.printed(/configuration read again workloads=\[\]/);
  assert.deepEqual(await orchestrator.stop(), { code: 0, signal: null });
});
