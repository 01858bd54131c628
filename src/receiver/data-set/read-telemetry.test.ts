import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { isTelemetryFile, readTelemetry } from './read-telemetry.ts';

const HEAD = 'time_wall,time_monotonic_s,cpu_user_s,mem_available_bytes,load_1min,pressure_io_some_avg10_percent';

async function packed(csv: string, name = 'e1/telemetry.csv'): Promise<Readable> {
  const tarball = await packTar([
    { header: { name: 'e1/meta.json', size: 2 }, body: '{}' },
    { header: { name, size: Buffer.byteLength(csv) }, body: csv },
  ]);
  return Readable.from(zstdCompressSync(tarball));
}

test('columns with their units; what counts since the boot as what it grew by in each second', async () => {
  const lines = [
    HEAD,
    '2026-05-01T12:00:00.000000+00:00,1000,50,4096,0.5,0',
    '2026-05-01T12:00:02.000000+00:00,1002,51,4000,,1.5',
    '2026-05-01T12:00:02.500000+00:00,1002.5,51.5,3000,0.25,2',
    // The machine was started anew in between, and counts from zero.
    '2026-05-01T12:00:03.500000+00:00,1003.5,1,3000,0.25,2',
    '2026-05-01T12:00:03.000000+00:00,1003,9,9,9,9',
    'cut',
    // Cut within a value, and two that ran into each other.
    '2026-05-01T12:00:04.000000+00:00,1004,1,30',
    '2026-05-01T12:00:04.000000+00:00,1004,1,3000,0.25,22026-05-01T12:00:05.000000+00:00,1005,1,3000,0.25,2',
    '',
  ];
  assert.deepEqual(await readTelemetry(await packed(lines.join('\n')), 100), {
    startedAt: '2026-05-01T12:00:00.000Z',
    timesS: [0, 2, 2.5, 3.5],
    series: [
      { name: 'cpu_user_s', unit: 's/s', values: [null, 0.5, 1, null] },
      { name: 'mem_available_bytes', unit: 'bytes', values: [4096, 4000, 3000, 3000] },
      { name: 'load_1min', unit: '', values: [0.5, null, 0.25, 0.25] },
      { name: 'pressure_io_some_avg10_percent', unit: '%', values: [0, 1.5, 2, 2] },
    ],
    samples: 4,
    isWhole: true,
  });
});

test('what our own sampler writes is read, and a long one is thinned', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cis490-telemetry-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { execFileSync } = await import('node:child_process');
  const program = join(import.meta.dirname, '../../../bin/cis490');
  execFileSync(program, ['telemetry', '--duration', '0.3', '--rate', '20'], {
    cwd: directory,
    env: { ...process.env, CIS490_OUTPUT_DIR: directory },
  });
  const csv = await readFile(join(directory, 'telemetry.csv'), 'utf8');
  const own = await readTelemetry(await packed(csv), 100);
  assert.equal(own?.samples, csv.trimEnd().split('\n').length - 1);
  assert.ok(own.series.some(({ name, unit }) => name === 'net_received_bytes' && unit === 'bytes/s'));

  const rows = Array.from({ length: 50_000 }, (_, row) => `x,${row / 10},${row},${row === 31_234 ? 999 : 5},1,1`);
  const long = await readTelemetry(await packed([HEAD, ...rows, ''].join('\n')), 400);
  assert.equal(long?.samples, 50_000);
  assert.ok(long.timesS.length <= 400 && long.timesS.length >= 100);
  assert.deepEqual([long.timesS[0], long.timesS.at(-1)], [0, 4999.9]);
  assert.ok(long.series[1]?.values.includes(999));
});

const nothing: [what: string, csv: string, name?: string][] = [
  ['no such file', HEAD, 'e1/other.csv'],
  ['an empty file', ''],
  ['a file of something else', '<html>\n'],
];
for (const [what, csv, name] of nothing) {
  test(`null for ${what}`, async () => assert.equal(await readTelemetry(await packed(csv, name), 100), null));
}

test('a line without an end, a damaged tarball, more than the limits allow: what was read, and that it is not whole', async () => {
  const rows = Array.from({ length: 2_000 }, (_, row) => `x,${row},1,1,1,1`);
  const csv = [HEAD, ...rows, ''].join('\n');
  const endless = await readTelemetry(await packed(`${csv}${'9'.repeat(200_000)}`), 100);
  assert.equal(endless?.isWhole, false);
  const bounded = await readTelemetry(await packed(`${csv}${rows.join('\n').repeat(100)}`), 100, {
    mostBytes: 1_000_000,
  });
  assert.equal(bounded?.isWhole, false);
  assert.ok((bounded?.samples ?? 0) > 1_000);
  assert.equal(await readTelemetry(Readable.from(Buffer.from('no tarball')), 100), null);
});

test('two hundred thousand samples and no more; others get their turn in between', async () => {
  const rows = (count: number) => `time_monotonic_s\n${'1\n'.repeat(count)}`;
  const whole = await readTelemetry(await packed(rows(200_000)), 100);
  assert.deepEqual([whole?.samples, whole?.isWhole], [200_000, true]);
  const more = await readTelemetry(await packed(rows(200_001)), 100);
  assert.deepEqual([more?.samples, more?.isWhole], [200_000, false]);

  const stream = await packed(rows(10_000));
  let turns = 0;
  const count = () => {
    turns += 1;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  await readTelemetry(stream, 100);
  clearImmediate(counting);
  assert.ok(turns > 30, `${turns} turns`);
});

test('a telemetry file lies anywhere, under its own name', () => {
  const are = ['telemetry.csv', 'out/telemetry.csv', 'my-telemetry.csv', 'telemetry.csv/x'].map(isTelemetryFile);
  assert.deepEqual(are, [true, true, false, false]);
});
