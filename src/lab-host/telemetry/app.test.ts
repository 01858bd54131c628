import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { runTelemetry, type TelemetryOptions } from './app.ts';

const never = () => new AbortController().signal;

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cis490-telemetry-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Time that passes only in sleep, and by `lateMs` more after each. */
function makeClock(startMs: number, lateMs: (sleeps: number) => number = () => 0): Clock {
  let nowMs = startMs;
  let sleeps = 0;
  return {
    wallTime: () => '2026-05-01T06:37:53.830599+00:00',
    monotonicMs: () => nowMs,
    async sleep(ms) {
      nowMs += ms + lateMs(sleeps);
      sleeps += 1;
    },
  };
}

async function sample(t: TestContext, rest: Partial<TelemetryOptions>): Promise<Record<string, string>[]> {
  const outputDirectory = await makeDirectory(t);
  const defaults = { durationS: 4, ratePerS: 1, procRoot: '/proc', stop: never(), clock: makeClock(1_000) };
  assert.equal(await runTelemetry({ ...defaults, outputDirectory, ...rest }), 0);
  assert.deepEqual(await readdir(outputDirectory), ['telemetry.csv']);
  const text = await readFile(join(outputDirectory, 'telemetry.csv'), 'utf8');
  assert.ok(text.endsWith('\n'));
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  for (const row of rows) assert.equal(row.length, header.length);
  return rows.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ''])));
}

const timesOf = (rows: Record<string, string>[]) => rows.map((row) => Number(row['time_monotonic_s']));

test('samples this machine: every column a number, counters that do not go back', async (t) => {
  const rows = await sample(t, { durationS: 0.3, ratePerS: 10, clock: systemClock });
  assert.ok(rows.length >= 2);
  const first = rows[0] ?? {};
  const names = Object.keys(first);
  assert.deepEqual(names.slice(0, 3), ['time_wall', 'time_monotonic_s', 'cpu_user_s']);
  for (const name of names.slice(2)) assert.match(name, /_(?:s|bytes|percent)$|^load_\d+min$/);
  for (const row of rows) {
    for (const name of names.slice(1)) assert.match(row[name] ?? '', /^\d+(?:\.\d+)?$/, name);
    assert.ok(Number(row['mem_available_bytes']) <= Number(row['mem_total_bytes']));
    for (const name of ['cpu_user_s', 'disk_written_bytes', 'net_received_bytes', 'time_monotonic_s']) {
      assert.ok(Number(row[name]) >= Number(first[name]), name);
    }
  }
});

test('the first and last sample span the duration', async (t) => {
  assert.deepEqual(timesOf(await sample(t, {})), [1, 2, 3, 4, 5]);
  assert.deepEqual(timesOf(await sample(t, { durationS: 0.3, ratePerS: 10 })), [1, 1.1, 1.2, 1.3]);
});

test('the grid does not drift: a late sample does not delay the next', async (t) => {
  const rows = await sample(t, { clock: makeClock(1_000, () => 100) });
  assert.deepEqual(timesOf(rows), [1, 2.1, 3.1, 4.1, 5.1]);
});

test('a missed sample is left out', async (t) => {
  const rows = await sample(t, { clock: makeClock(1_000, (sleeps) => (sleeps === 0 ? 2_300 : 0)) });
  assert.deepEqual(timesOf(rows), [1, 4.3, 5]);
});

test('stopped: what was taken is a whole file', async (t) => {
  const stop = new AbortController();
  const clock = makeClock(1_000, (sleeps) => {
    if (sleeps === 1) stop.abort();
    return 0;
  });
  assert.deepEqual(timesOf(await sample(t, { durationS: 3_600, clock, stop: stop.signal })), [1, 2]);
});

test('stopped before it began: one sample', async (t) => {
  assert.equal((await sample(t, { stop: AbortSignal.abort() })).length, 1);
});

test('a kernel without pressure information: those columns are absent, and a missing file is an error', async (t) => {
  const procRoot = await makeDirectory(t);
  await mkdir(join(procRoot, 'net'));
  for (const name of ['stat', 'meminfo', 'diskstats', 'net/dev', 'loadavg']) {
    await writeFile(join(procRoot, name), await readFile(join('/proc', name)));
  }
  const [row = {}] = await sample(t, { procRoot });
  assert.ok(!Object.keys(row).some((name) => name.startsWith('pressure_')));
  assert.ok('load_1min' in row);

  await rm(join(procRoot, 'stat'));
  await assert.rejects(sample(t, { procRoot }), {
    code: 'proc-unreadable',
    message: /stat cannot be read \(ENOENT\)$/,
  });
});

test('a file that is there is not overwritten, and a range that makes no sense is refused', async (t) => {
  const outputDirectory = await makeDirectory(t);
  await writeFile(join(outputDirectory, 'telemetry.csv'), 'kept');
  const options = { outputDirectory, durationS: 1, ratePerS: 1, procRoot: '/proc', stop: never(), clock: makeClock(0) };
  await assert.rejects(runTelemetry(options), { code: 'telemetry-exists' });
  assert.equal(await readFile(join(outputDirectory, 'telemetry.csv'), 'utf8'), 'kept');
  for (const range of [{ durationS: 0 }, { durationS: Number.NaN }, { ratePerS: 0 }, { ratePerS: 1001 }]) {
    await assert.rejects(runTelemetry({ ...options, ...range }), { code: 'telemetry-bad-range' });
  }
});
