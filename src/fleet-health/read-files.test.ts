// Doctor reports and gate.json, whatever stands in them.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { openStorageForReading } from '../storage/open-storage.ts';
import { readGateFile } from './read-gate-file.ts';
import { readReports } from './read-reports.ts';

test('of a report the verdict and the red checks that are known, and nothing else', async (t) => {
  const root = temporaryDirectory(t);
  const put = (host: string, content: string) => writeFileSync(join(root, 'host-health', `${host}.json`), content);
  mkdirSync(join(root, 'host-health'));
  const red = [
    { id: 'disk', status: 'red', cure: 'rm -rf /' },
    { id: 'clock', status: 'green' },
    { id: 'disk', status: 'red' },
    { id: 'toString', status: 'red' },
    { id: 'later', status: 'red' },
    'x',
    null,
  ];
  put('lab-1', JSON.stringify({ status: 'red', checks: red }));
  put('lab-2', '{"status":"purple","checks":7}');
  put('lab-3', '{}');
  put('lab-4', 'no JSON');
  const reports = await readReports(openStorageForReading(root).hostState);
  assert.deepEqual([...reports.keys()], ['lab-1', 'lab-2', 'lab-3']);
  const verdicts = Array.from(reports.values(), ({ status, redChecks }) => [status, redChecks]);
  assert.deepEqual(verdicts, [
    ['red', ['disk']],
    ['unknown', []],
    ['unknown', []],
  ]);
  assert.ok((reports.get('lab-1')?.receivedAtMs ?? 0) > Date.UTC(2020));
});

test('gate.json: the commits, nothing without it, and a failure for what is none', async (t) => {
  const path = join(temporaryDirectory(t), 'gate.json');
  assert.equal(await readGateFile(path), undefined);
  writeFileSync(path, JSON.stringify({ format_version: 7, commits: ['a'.repeat(40)], more: 1 }));
  assert.deepEqual(await readGateFile(path), ['a'.repeat(40)]);
  for (const damaged of ['', '{', '{}', '{"commits":["x"]}', '7']) {
    writeFileSync(path, damaged);
    await assert.rejects(readGateFile(path), { code: 'cannot-read' }, damaged);
  }
});
