import assert from 'node:assert/strict';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Bench, contentOf, isRunning, makeBench, shell, until } from './orchestrator.fixture.ts';
import { type RecordOutcome, recordEpisode, type Workload } from './record-episode.ts';

function record(bench: Bench, workload: Workload, kill = new AbortController().signal) {
  const directory = join(bench.dataDir, 'recording', 'e1');
  const environment = { PATH: process.env['PATH'], NOTIFY_SOCKET: '/run/ours', INHERITED: 'yes' };
  const { clock } = bench;
  const outcome = recordEpisode({ workload, hostId: 'h1', episodeId: 'e1', directory, environment, clock, kill });
  return { directory, outcome };
}

function exitOf(outcome: RecordOutcome) {
  assert.equal(outcome.kind, 'recorded');
  return outcome.kind === 'recorded' ? outcome.recorded.exit : undefined;
}

test('the command runs in its episode, with its environment, and its output is kept there', async (t) => {
  const bench = await makeBench(t);
  const script = 'pwd; env | sort >&2; echo data > data.txt';
  const env = { OWN: 'a b', CIS490_HOST_ID: 'forged' };
  const { directory, outcome } = record(bench, shell(script, { env }));
  assert.deepEqual(exitOf(await outcome), { code: 0, signal: null, timed_out: false });
  assert.deepEqual((await readdir(directory)).sort(), ['data.txt', 'stderr.log', 'stdout.log']);
  assert.equal(await readFile(join(directory, 'stdout.log'), 'utf8'), `${directory}\n`);
  const seen = (await readFile(join(directory, 'stderr.log'), 'utf8')).split('\n');
  for (const line of [`CIS490_EPISODE_DIR=${directory}`, 'CIS490_EPISODE_ID=e1', 'CIS490_HOST_ID=h1']) {
    assert.ok(seen.includes(line), line);
  }
  assert.ok(seen.includes('OWN=a b') && seen.includes('INHERITED=yes'));
  assert.ok(!seen.some((line) => line.startsWith('NOTIFY_SOCKET=')));
});

test('arguments are passed as they are, without a shell', async (t) => {
  const { directory, outcome } = record(await makeBench(t), shell('', { command: ['echo', '$HOME; `id`', '*'] }));
  await outcome;
  assert.equal(await readFile(join(directory, 'stdout.log'), 'utf8'), '$HOME; `id` *\n');
});

const exits: [script: string, exit: { code: number | null; signal: string | null }][] = [
  ['exit 7', { code: 7, signal: null }],
  ['kill -9 $$', { code: null, signal: 'SIGKILL' }],
];
for (const [script, exit] of exits) {
  test(`the exit is recorded: ${script}`, async (t) => {
    const outcome = await record(await makeBench(t), shell(script)).outcome;
    assert.deepEqual(exitOf(outcome), { ...exit, timed_out: false });
  });
}

test('the duration is by the monotonic clock', async (t) => {
  const bench = await makeBench(t);
  const { directory, outcome } = record(bench, shell('echo > started; while [ ! -e go ]; do sleep 0.01; done'));
  await contentOf(join(directory, 'started'));
  bench.clock.skip(90_000);
  await writeFile(join(directory, 'go'), '');
  const result = await outcome;
  assert.ok(result.kind === 'recorded' && result.recorded.duration_s >= 90 && result.recorded.duration_s < 1_000);
});

test('a timeout ends the command and its grandchild', async (t) => {
  const bench = await makeBench(t);
  const script = `sh -c 'sh -c "echo \\$\\$ > grandchild; exec sleep 600" & wait' & echo $! > child; wait`;
  const { directory, outcome } = record(bench, shell(script, { timeout_s: 30 }));
  const pids = [await contentOf(join(directory, 'child')), await contentOf(join(directory, 'grandchild'))].map(Number);
  for (const pid of pids) assert.ok(await isRunning(pid), `${pid} runs`);
  bench.clock.skip(30_000);
  assert.deepEqual(exitOf(await outcome), { code: null, signal: 'SIGTERM', timed_out: true });
  for (const pid of pids) await until(`${pid} has ended`, async () => !(await isRunning(pid)));
});

test('a timeout kills what ignores SIGTERM after 5 s', async (t) => {
  const bench = await makeBench(t);
  const script = `trap 'echo term > termed' TERM; echo $$ > pid; while :; do sleep 0.02; done`;
  const { directory, outcome } = record(bench, shell(script, { timeout_s: 30 }));
  const pid = Number(await contentOf(join(directory, 'pid')));
  bench.clock.skip(30_000);
  await contentOf(join(directory, 'termed'));
  assert.ok(await isRunning(pid));
  bench.clock.skip(5_000);
  assert.deepEqual(exitOf(await outcome), { code: null, signal: 'SIGKILL', timed_out: true });
});

test('a command that forks and ends leaves nothing that still writes', async (t) => {
  const bench = await makeBench(t);
  const script = `sh -c 'echo $$ > forked; while :; do echo x >> growing; sleep 0.01; done' & while [ ! -s forked ]; do :; done; exit 3`;
  const { directory, outcome } = record(bench, shell(script));
  const result = await outcome;
  assert.ok(result.kind === 'recorded' && result.leftBehind);
  assert.deepEqual(exitOf(result), { code: 3, signal: null, timed_out: false });
  assert.equal(await isRunning(Number(await contentOf(join(directory, 'forked')))), false);
});

test('a command whose children end with it left nothing behind', async (t) => {
  const result = await record(await makeBench(t), shell('(echo a; exit 0) & echo b | cat; wait')).outcome;
  assert.ok(result.kind === 'recorded' && !result.leftBehind);
});

test('killed: what runs is ended, and it is no recording', async (t) => {
  const kill = new AbortController();
  const { directory, outcome } = record(await makeBench(t), shell('echo $$ > pid; exec sleep 600'), kill.signal);
  const pid = Number(await contentOf(join(directory, 'pid')));
  kill.abort();
  assert.deepEqual(await outcome, { kind: 'killed' });
  assert.equal(await isRunning(pid), false);
});

test('a program that is not there is named with a cure', async (t) => {
  const workload = shell('', { name: 'camera', command: ['/no/such/program', '--x'] });
  const outcome = await record(await makeBench(t), workload).outcome;
  assert.ok(outcome.kind === 'not-started');
  assert.equal(outcome.error.code, 'workload-not-started');
  assert.match(outcome.error.message, /workload camera .*\/no\/such\/program ENOENT/);
  assert.match(outcome.error.hint ?? '', /command -v \/no\/such\/program.*\[\[orchestrator\.workload\]\] camera/);
});

test('a program that may not be run is named with a cure', async (t) => {
  const bench = await makeBench(t);
  const program = join(bench.root, 'recorder');
  await writeFile(program, '#!/bin/sh\n');
  await chmod(program, 0o644);
  const outcome = await record(bench, shell('', { command: [program] })).outcome;
  assert.ok(outcome.kind === 'not-started' && outcome.error.hint?.includes(`chmod +x ${program}`));
});
