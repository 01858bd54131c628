import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SqliteHeartbeats } from '../sqlite/sqlite-heartbeats.ts';
import { openStateDatabase } from '../sqlite/state-database.ts';
import { fillDisk, mountTmpfsOrSkip, recordingLogger, SILENT, temporaryDirectory } from '../storage.fixture.ts';
import { FilesystemHostState } from './filesystem-host-state.ts';

async function open(t: TestContext, root: string, logger = SILENT): Promise<FilesystemHostState> {
  const database = openStateDatabase(join(temporaryDirectory(t), 'state.db'), SILENT);
  t.after(() => database.close());
  return await FilesystemHostState.open(root, new SqliteHeartbeats(database), logger);
}

test('a report is host-health/<host>.json, and the time of receipt is that file’s own', async (t) => {
  const root = temporaryDirectory(t);
  const hostState = await open(t, root);
  const { receivedAtWall } = await hostState.putReport('h1', Buffer.from('{ }'));
  const path = join(root, 'host-health', 'h1.json');
  assert.equal(readFileSync(path, 'utf8'), '{ }');
  assert.equal(Temporal.Instant.from(receivedAtWall).epochMilliseconds, Math.floor(statSync(path).mtimeMs));
  utimesSync(path, 1_777_617_473, 1_777_617_473);
  assert.equal((await hostState.getReport('h1'))?.receivedAtWall, '2026-05-01T06:37:53.000000+00:00');
});

test('what a crash left of a report is removed at the next start; reports are not', async (t) => {
  const root = temporaryDirectory(t);
  await (await open(t, root)).putReport('h1.json.0a1b2c3d.tmp', Buffer.from('{}'));
  writeFileSync(join(root, 'host-health', 'h2.json.0a1b2c3d.tmp'), '{"half');
  const hostState = await open(t, root);
  assert.deepEqual(readdirSync(join(root, 'host-health')), ['h1.json.0a1b2c3d.tmp.json']);
  assert.equal((await Array.fromAsync(hostState.listReports())).length, 1);
});

test('disk full: disk-full, the old report stays, nothing else is left', async (t) => {
  const root = join(temporaryDirectory(t), 'small');
  mkdirSync(root);
  if (!mountTmpfsOrSkip(t, root, 'size=1m')) return;
  const hostState = await open(t, root);
  await hostState.putReport('h1', Buffer.from('{"old":1}'));
  await fillDisk(root);
  await assert.rejects(hostState.putReport('h1', Buffer.alloc(20_000, 0x20)), { code: 'disk-full' });
  assert.equal(Buffer.from((await hostState.getReport('h1'))?.content ?? []).toString(), '{"old":1}');
  assert.deepEqual(readdirSync(join(root, 'host-health')), ['h1.json']);
});

test('what is no report is left out of the list with one warning, until it is replaced; asked for alone it is damage', async (t) => {
  const root = temporaryDirectory(t);
  const { logger, records } = recordingLogger();
  const hostState = await open(t, root, logger);
  const place = (name: string) => join(root, 'host-health', name);
  for (const hostId of ['a', 'z']) await hostState.putReport(hostId, Buffer.from('{}'));
  const damaged: Record<string, string | Uint8Array> = {
    empty: '',
    torn: '{"status":"gre',
    list: '[]',
    null: 'null',
    marked: '\ufeff{}',
    latin: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  };
  for (const [hostId, content] of Object.entries(damaged)) writeFileSync(place(`${hostId}.json`), content);
  mkdirSync(place('directory.json'));
  execFileSync('mkfifo', [place('pipe.json')]);
  for (const name of ['.json', '-x.json', '.hidden.json', `${'x'.repeat(65)}.json`]) writeFileSync(place(name), '{}');

  const listed = async () => (await Array.fromAsync(hostState.listReports())).map(({ hostId }) => hostId);
  assert.deepEqual(await listed(), ['a', 'z']);
  assert.deepEqual(await listed(), ['a', 'z']);
  const told = records.filter(({ level }) => level === 40).map(({ path }) => path);
  const names = [...Object.keys(damaged), 'directory', 'pipe', '', '-x', '.hidden', 'x'.repeat(65)];
  assert.deepEqual(told.toSorted(), names.map((name) => place(`${name}.json`)).sort());

  for (const hostId of [...Object.keys(damaged), 'directory', 'pipe'])
    await assert.rejects(hostState.getReport(hostId), { code: 'report-damaged' }, hostId);
  await hostState.putReport('torn', Buffer.from('{"status":"green"}'));
  assert.deepEqual(await listed(), ['a', 'torn', 'z']);
  writeFileSync(place('torn.json'), '');
  assert.deepEqual(await listed(), ['a', 'z']);
  assert.equal(records.filter(({ path }) => path === place('torn.json')).length, 2, 'a new damage is told');
});
