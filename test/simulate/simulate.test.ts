// A tiny simulation, so that the large one cannot rot: every request is answered, and the ledger has what was answered 201. No figure is judged.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lackOfFiles } from '../../bench/simulate/open-files.ts';
import { percentilesOf } from '../../bench/simulate/percentiles.ts';
import { scheduleOf } from '../../bench/simulate/schedule.ts';
import { simulate } from '../../bench/simulate/simulation.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('200 simulated hosts are all answered, and what is stored is in the ledger', async (t) => {
  const hosts = 200;
  const result = await simulate({
    directory: temporaryDirectory(t),
    hosts,
    // Each host does each thing once.
    seconds: 3,
    speed: 1,
    periods: { episode: 3, heartbeat: 3, 'host-health': 3 },
    seed: 7,
    processes: 2,
    stop: t.signal,
    onProgress: () => undefined,
  });
  assert.deepEqual(result.failures, {});
  assert.deepEqual(result.answers, {
    'episode 201 stored': hosts - 2,
    // One host in a hundred runs old code.
    'episode 412 commit-not-in-window': 2,
    'heartbeat 204 heard': hosts,
    'host-health 200 kept': hosts,
  });
  assert.equal(result.rows, hosts - 2);
  assert.equal(result.latencyMs.episode.count, hosts);
  assert.ok((result.receiver.fsyncs['episode'] ?? 0) >= hosts - 2, JSON.stringify(result.receiver.fsyncs));
  assert.deepEqual(
    result.views.map(({ path }) => path),
    ['/', '/v1/fleet', '/metrics'],
  );
});

test('percentiles are values that were measured', () => {
  const shuffled = Float64Array.from({ length: 1000 }, (_, index) => ((index * 7) % 1000) + 1);
  assert.deepEqual(percentilesOf(shuffled), { count: 1000, p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 });
  assert.deepEqual(percentilesOf(Float64Array.of(3)), { count: 1, p50: 3, p90: 3, p99: 3, p999: 3, max: 3 });
  assert.equal(percentilesOf(new Float64Array()).count, 0);
});

test('the schedule is the seed’s, in order, and has each host’s pace', () => {
  const periods = { episode: 10, heartbeat: 60, 'host-health': 600 };
  const options = { hosts: [0, 1, 2], periods, seconds: 120, speed: 2, seed: 5 };
  const events = scheduleOf(options);
  assert.deepEqual(scheduleOf(options), events);
  assert.notDeepEqual(scheduleOf({ ...options, seed: 6 }), events);
  assert.ok(events.every(({ atMs }, index) => atMs >= (events[index - 1]?.atMs ?? 0)));
  const of = (kind: string) => events.filter((event) => event.host === 1 && event.kind === kind);
  assert.equal(of('episode').length, 24);
  assert.equal(of('heartbeat').length, 4);
  const [first, second] = of('episode');
  assert.ok(first && second && Math.abs(second.atMs - first.atMs - 5000) < 1e-6);
});

test('too few open files are told with their cure', () => {
  assert.equal(lackOfFiles(10_000, 2, 20_000), undefined);
  assert.match(lackOfFiles(10_000, 2, 1024) ?? '', /1024 are allowed: ulimit -n 16896/);
  assert.match(lackOfFiles(50_000, 2, 20_000) ?? '', /ulimit -n 50256/);
});
