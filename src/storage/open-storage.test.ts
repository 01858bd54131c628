import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStorage } from './open-storage.ts';
import { OtherProcess, rowOf, SILENT, temporaryDirectory } from './storage.fixture.ts';

test('a second receiver of one store: already-running; the store is free again after the first was killed', async (t) => {
  const root = temporaryDirectory(t);
  const first = new OtherProcess(
    t,
    `import { pino } from 'pino';
     import { openStorage } from './open-storage.ts';
     // Reachable for good: what is collected as garbage is closed.
     const storage = (globalThis.storage = await openStorage({ root: ${JSON.stringify(root)}, logger: pino({ level: 'silent' }) }));
     await storage.ledger.append(${JSON.stringify(rowOf('e1'))});
     process.stdin.resume();
     console.log('open');`,
  );
  assert.equal(await first.nextLine(), 'open');
  await assert.rejects(openStorage({ root, logger: SILENT }), { code: 'already-running' });
  await first.kill();
  const storage = await openStorage({ root, logger: SILENT });
  assert.equal((await storage.ledger.find('h1', 'e1'))?.row?.seq, 1);
  await storage.close();
});

test('in one process too the store is one receiver’s, until it is closed', async (t) => {
  const root = temporaryDirectory(t);
  const storage = await openStorage({ root, logger: SILENT });
  await assert.rejects(openStorage({ root, logger: SILENT }), { code: 'already-running' });
  await storage.close();
  await (await openStorage({ root, logger: SILENT })).close();
});

test('what fails half-way through opening holds nothing', async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'index.jsonl'));
  await assert.rejects(openStorage({ root, logger: SILENT }), { code: 'EISDIR' });
  rmdirSync(join(root, 'index.jsonl'));
  await (await openStorage({ root, logger: SILENT })).close();
});
