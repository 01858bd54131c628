import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMIT, makeBench, shell } from './orchestrator.fixture.ts';
import { createStartGate } from './start-gate.ts';

test('BACKPRESSURE closes the gate, and each change is said once', async (t) => {
  const { dataDir, installRoot, logger, log } = await makeBench(t);
  const gate = createStartGate(dataDir, installRoot, logger);
  const file = join(dataDir, 'BACKPRESSURE');
  assert.equal(await gate.isOpen(), true);
  assert.deepEqual(log(), []);
  for (let round = 0; round < 2; round += 1) {
    await writeFile(file, '');
    for (let n = 0; n < 3; n += 1) assert.equal(await gate.isOpen(), false);
    await rm(file);
    for (let n = 0; n < 3; n += 1) assert.equal(await gate.isOpen(), true);
  }
  assert.deepEqual(
    log().map((line) => line.level),
    ['WARNING', 'INFO', 'WARNING', 'INFO'],
  );
});

test('a VERSION that is missing is said once for each workload, and once more when it is there', async (t) => {
  const { dataDir, installRoot, logger, logged } = await makeBench(t);
  const gate = createStartGate(dataDir, installRoot, logger);
  const path = join(installRoot, 'VERSION');
  const [one, two] = [shell('true', { name: 'one' }), shell('true', { name: 'two' })];
  await rm(path);
  for (let n = 0; n < 3; n += 1) {
    assert.equal(await gate.codeVersionFor(one), undefined);
    assert.equal(await gate.codeVersionFor(two), undefined);
  }
  assert.deepEqual(
    logged(/no usable VERSION/).map((line) => line.fields['workload']),
    ['one', 'two'],
  );
  await writeFile(path, 'malformed');
  for (let n = 0; n < 3; n += 1) assert.equal(await gate.codeVersionFor(one), undefined);
  assert.equal(logged(/no usable VERSION/).length, 3);
  await writeFile(path, COMMIT);
  for (let n = 0; n < 3; n += 1) assert.equal((await gate.codeVersionFor(one))?.commit, COMMIT);
  assert.equal(logged(/has its VERSION/).length, 1);
});
