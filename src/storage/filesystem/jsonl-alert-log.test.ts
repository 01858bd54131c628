import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AlertRow, dedupKeyOf } from '../../protocol/alert.ts';
import { fillDisk, mountTmpfsOrSkip, temporaryDirectory } from '../storage.fixture.ts';
import { JsonlAlertLog } from './jsonl-alert-log.ts';

const HOUR = '2026-05-01T07';

function alertRow(host: string, detail = 'x'): AlertRow {
  const detectedAtWall = `${HOUR}:05:00.000000+00:00`;
  return {
    host,
    symptom: 'silent',
    detail,
    suggested_fix: 'y',
    detected_at_wall: detectedAtWall,
    dedup_key: dedupKeyOf(host, 'silent', detectedAtWall),
    severity: 'critical',
  };
}

function lineOf(host: string, fields: Record<string, unknown> = {}): string {
  return `${JSON.stringify({ ...alertRow(host), ...fields })}\n`;
}

function logIn(t: TestContext): { path: string; log: JsonlAlertLog } {
  const path = join(temporaryDirectory(t), 'alerts.jsonl');
  return { path, log: new JsonlAlertLog(path) };
}

async function keysIn(log: JsonlAlertLog, mark?: string): Promise<string[]> {
  return [...(await log.keysOf(HOUR, mark)).keys];
}

test('rows are lines of JSON in a file that others may read, whatever the umask', async (t) => {
  const { path, log } = logIn(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  await log.append([alertRow('h1'), alertRow('h2', 'two\nlines')]);
  assert.equal(readFileSync(path, 'utf8'), lineOf('h1') + lineOf('h2', { detail: 'two\nlines' }));
  assert.equal(statSync(path).mode & 0o777, 0o644);
});

test('a mode that somebody has given it stays', async (t) => {
  const { path, log } = logIn(t);
  writeFileSync(path, '', { mode: 0o600 });
  await log.append([alertRow('h1')]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

for (const [what, torn] of [
  ['a part of a row', lineOf('h9').slice(0, 40)],
  ['bytes that are no text', '\u0000\u00ff'],
] as const) {
  test(`a torn last line, ${what}: the rows that are appended are whole lines all the same`, async (t) => {
    const { path, log } = logIn(t);
    writeFileSync(path, lineOf('h1') + torn);
    const { mark } = await log.keysOf(HOUR, undefined);
    await log.append([alertRow('h2')]);
    assert.equal(readFileSync(path, 'utf8'), `${lineOf('h1')}${torn}\n${lineOf('h2')}`);
    assert.deepEqual(await keysIn(log, mark), [alertRow('h1').dedup_key, alertRow('h2').dedup_key]);
  });
}

test('a last row that lacks nothing but its newline counts: else its key would soon be there twice', async (t) => {
  const { path, log } = logIn(t);
  writeFileSync(path, lineOf('h1') + lineOf('h2').trimEnd());
  const both = [alertRow('h1').dedup_key, alertRow('h2').dedup_key];
  const { keys, mark } = await log.keysOf(HOUR, undefined);
  assert.deepEqual([...keys], both);
  assert.deepEqual(await keysIn(log, mark), both);
  // It was never whole on the disk, and a power cut took it.
  truncateSync(path, lineOf('h1').length);
  assert.deepEqual(await keysIn(log, mark), both.slice(0, 1));
});

test('bad lines and unknown fields are passed over; rows of the older system count, whatever form their time has', async (t) => {
  const { path, log } = logIn(t);
  const times = ['2026-05-01T07:05:00Z', '2026-05-01T09:05:00.123+02:00', '2026-05-01T07:05:00'];
  const old = times.map((detected_at_wall, index) =>
    lineOf('h1', { detected_at_wall, dedup_key: `old-${index}`, severity: undefined }),
  );
  writeFileSync(
    path,
    ['no row\n', '\n', '[]\n', '{"dedup_key":"k"}\n', lineOf('h1', { dedup_key: 7 }), ...old].join(''),
  );
  appendFileSync(path, lineOf('h1', { dedup_key: 'other', detected_at_wall: '2026-05-01T07:05:00+02:00', later: {} }));
  appendFileSync(path, lineOf('h1', { dedup_key: 'when', detected_at_wall: 'today' }));
  assert.deepEqual(await keysIn(log), ['old-0', 'old-1', 'old-2']);
});

test('a log that was replaced or rewritten is read anew', async (t) => {
  const { path, log } = logIn(t);
  await log.append([alertRow('h1'), alertRow('h2')]);
  const { mark } = await log.keysOf(HOUR, undefined);
  writeFileSync(path, lineOf('h3') + lineOf('h4'));
  assert.deepEqual(await keysIn(log, mark), [alertRow('h3').dedup_key, alertRow('h4').dedup_key]);
});

test('what cannot be read or written is told, and is not taken for an empty log', async (t) => {
  const { path, log } = logIn(t);
  mkdirSync(path);
  await assert.rejects(log.keysOf(HOUR, undefined), { code: 'cannot-read' });
  await assert.rejects(log.append([alertRow('h1')]), { code: 'cannot-write' });
  const nowhere = new JsonlAlertLog(join(path, 'missing', 'alerts.jsonl'));
  await assert.rejects(nowhere.append([alertRow('h1')]), { code: 'cannot-write' });
});

test('disk full: disk-full, nothing half-written stays, and the next append has it', async (t) => {
  const small = join(temporaryDirectory(t), 'small');
  mkdirSync(small);
  if (!mountTmpfsOrSkip(t, small, 'size=1m')) return;
  const path = join(small, 'alerts.jsonl');
  const log = new JsonlAlertLog(path);
  const torn = lineOf('h9').slice(0, 40);
  writeFileSync(path, lineOf('h1') + torn);
  const filler = await fillDisk(small);
  const rows = Array.from({ length: 40 }, (_, index) => alertRow(`h${index}`, 'd'.repeat(1000)));
  await assert.rejects(log.append(rows), { code: 'disk-full' });
  assert.equal(readFileSync(path, 'utf8'), lineOf('h1') + torn);
  await filler.release();
  await log.append(rows);
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 43);
});
