import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { heartbeatSchema, MAX_HEARTBEAT_BYTES } from '../../protocol/heartbeat.ts';
import { dataLayout, makeDataDirectories } from '../data-layout.ts';
import { type HeartbeatSource, heartbeatCollector } from './collect-heartbeat.ts';
import { readMachineIdentity } from './machine-identity.ts';

const MACHINE_ID = '0123456789abcdef0123456789abcdef';
const WALL_TIME = '2026-05-01T06:37:53.830599+00:00';
const APPLICATION_ID = '6f0a43b1c6d94f3f8f7f3d0e1c490490';

async function bench(t: TestContext, more: Partial<HeartbeatSource> = {}) {
  const root = temporaryDirectory(t);
  const layout = dataLayout(join(root, 'data'));
  await makeDataDirectories(layout);
  const identityFiles = { machineIdFile: join(root, 'machine-id'), bootIdFile: join(root, 'boot-id') };
  writeFileSync(identityFiles.machineIdFile, `${MACHINE_ID}\n`);
  writeFileSync(identityFiles.bootIdFile, 'd2f1a4e0-0000-4000-8000-000000000000\n');
  writeFileSync(join(root, 'VERSION'), JSON.stringify({ commit: 'a'.repeat(40), dirty: true }));
  const collect = heartbeatCollector({
    hostId: 'lab-1',
    layout,
    installRoot: root,
    workloads: ['telemetry'],
    snapshot: () => ({
      backlog: { episodes: 3, bytes: 4_000, oldest_s: 61 },
      held: { count: 3, code: 'forbidden' },
      quarantine: { episodes: 2, recent: { episodes: 1, without_asking: 0, code: 'conflict' } },
    }),
    clock: { wallTime: () => WALL_TIME, monotonicMs: () => 0, sleep: async () => undefined },
    identityFiles,
    ...more,
  });
  const finish = (directory: string, episodeId: string, atS: number) => {
    mkdirSync(join(directory, episodeId));
    writeFileSync(join(directory, episodeId, 'meta.json'), '{}');
    utimesSync(join(directory, episodeId, 'meta.json'), atS, atS);
  };
  return { root, layout, collect, identityFiles, finish };
}

test('says who it is, what waits, what it records, and with which code', async (t) => {
  const { layout, collect, finish } = await bench(t);
  finish(layout.shipped, 'older', 1_000);
  finish(layout.episodes, 'newest', 3_000);
  finish(layout.episodes, 'middle', 2_000);
  const { free_bytes, machine, ...beat } = await collect();
  assert.deepEqual(beat, {
    host_id: 'lab-1',
    boot_id: 'd2f1a4e0-0000-4000-8000-000000000000',
    version: { commit: 'a'.repeat(40), dirty: true },
    backlog: { episodes: 3, bytes: 4_000, oldest_s: 61 },
    held: { count: 3, code: 'forbidden' },
    quarantine: { episodes: 2, recent: { episodes: 1, without_asking: 0, code: 'conflict' } },
    recording: {
      last_episode: { episode_id: 'newest', finished_at_wall: '1970-01-01T00:50:00.000000+00:00' },
      workloads: ['telemetry'],
    },
    update: null,
    sent_at_wall: WALL_TIME,
  });
  assert.ok(Number.isSafeInteger(free_bytes) && Number(free_bytes) > 0);
  assert.match(machine, /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  assert.ok(!machine.includes(MACHINE_ID.slice(0, 8)));
});

test('is what the receiver takes, and fits, however many workloads there are', async (t) => {
  const workloads = Array.from({ length: 1_000 }, (_, index) => `${index}-`.padEnd(64, 'x'));
  const { collect } = await bench(t, { workloads });
  const beat = await collect();
  assert.ok(heartbeatSchema.safeParse(beat).success);
  assert.ok(JSON.stringify(beat).length <= MAX_HEARTBEAT_BYTES);
});

test('says what it can where something is missing', async (t) => {
  const { root, layout, collect, identityFiles } = await bench(t);
  for (const path of [join(root, 'VERSION'), ...Object.values(identityFiles), layout.root])
    rmSync(path, { recursive: true });
  const beat = await collect();
  assert.deepEqual([beat.version, beat.free_bytes, beat.recording.last_episode], [null, null, null]);
  assert.equal(beat.boot_id, 'unknown');
  assert.match(beat.machine, /^hostname-[0-9a-f]{32}$/);
  assert.ok(heartbeatSchema.safeParse(beat).success);
});

describe('the last update', () => {
  const commits = { commit: 'a'.repeat(40), target: 'b'.repeat(40) };
  const at_wall = '2026-05-01T00:00:00.000000+00:00';
  const cases: [name: string, file: unknown, told: object | null][] = [
    [
      'all of it',
      {
        source: 'receiver',
        last: { result: 'rolled-back', at_wall, ...commits, detail: 'no ping', failures: 2, of_tomorrow: 1 },
      },
      { source: 'receiver', result: 'rolled-back', ...commits, at_wall, detail: 'no ping', failures: 2 },
    ],
    [
      'its source beside its result',
      { last: { result: 'updated', source: 'git', commit: 7 } },
      { source: 'git', result: 'updated', commit: null, target: null, at_wall: null, detail: null, failures: null },
    ],
    [
      'a source before the first update',
      { source: 'git', last: null },
      { source: 'git', result: null, commit: null, target: null, at_wall: null, detail: null, failures: null },
    ],
    ['a result of a later version', { last: { result: 'paused' } }, null],
    ['something else', [1], null],
    ['nothing', undefined, null],
  ];
  for (const [name, file, told] of cases) {
    test(name, async (t) => {
      const { root, collect } = await bench(t);
      if (file !== undefined) writeFileSync(join(root, 'update-state.json'), JSON.stringify(file));
      assert.deepEqual((await collect()).update, told);
    });
  }

  test('torn, or too long', async (t) => {
    const { root, collect } = await bench(t);
    writeFileSync(join(root, 'update-state.json'), '{"last":{');
    assert.equal((await collect()).update, null);
    writeFileSync(
      join(root, 'update-state.json'),
      JSON.stringify({ last: { result: 'failed', detail: 'x'.repeat(100_000) } }),
    );
    const beat = await collect();
    assert.equal(beat.update?.detail?.length, 500);
    assert.ok(JSON.stringify(beat).length <= MAX_HEARTBEAT_BYTES && heartbeatSchema.safeParse(beat).success);
  });
});

describe('the episode that was finished last', () => {
  test('stays so when it is shipped and when it is deleted', async (t) => {
    const { layout, collect, finish } = await bench(t);
    finish(layout.episodes, 'one', 1_000);
    const last = async () => (await collect()).recording.last_episode?.episode_id;
    assert.equal(await last(), 'one');
    renameSync(join(layout.episodes, 'one'), join(layout.shipped, 'one'));
    assert.equal(await last(), 'one');
    rmSync(join(layout.shipped, 'one'), { recursive: true });
    assert.equal(await last(), 'one');
    finish(layout.episodes, 'two', 1_001);
    assert.equal(await last(), 'two');
  });
});

describe('the machine', () => {
  test('is the same as systemd makes it', async (t) => {
    const { identityFiles } = await bench(t);
    if (!hasSystemPart(t, ['systemd-id128', '--version'], 'systemd')) return;
    const systems = spawnSync('systemd-id128', ['machine-id', '-a', APPLICATION_ID], { encoding: 'utf8' });
    if (systems.status !== 0) return t.skip('needs a machine id');
    const { machine } = await readMachineIdentity({ ...identityFiles, machineIdFile: '/etc/machine-id' });
    assert.equal(machine, systems.stdout.trim());
  });

  for (const text of ['', 'uninitialized\n', 'x'.repeat(32)]) {
    test(`is told by its name where its id is ${JSON.stringify(text)}`, async (t) => {
      const { identityFiles } = await bench(t);
      writeFileSync(identityFiles.machineIdFile, text);
      assert.match((await readMachineIdentity(identityFiles)).machine, /^hostname-/);
    });
  }

  test('differs by its id', async (t) => {
    const { identityFiles } = await bench(t);
    const one = await readMachineIdentity(identityFiles);
    assert.deepEqual(await readMachineIdentity(identityFiles), one);
    writeFileSync(identityFiles.machineIdFile, 'f'.repeat(32));
    assert.notEqual((await readMachineIdentity(identityFiles)).machine, one.machine);
  });
});
