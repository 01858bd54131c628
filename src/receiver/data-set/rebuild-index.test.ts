import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { AppError } from '../../lib/app-error.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { MemoryStore } from './data-set.fixture.ts';
import { rebuildIndex } from './rebuild-index.ts';

const NEVER = new AbortController().signal;

function createRoot(t: TestContext, rows: number): string {
  const root = mkdtempSync(join(tmpdir(), 'cis490-rebuild-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const store = new MemoryStore();
  for (let count = 1; count <= rows; count += 1) store.addRow(`h${count % 2}/e${count}`);
  writeFileSync(join(root, 'index.jsonl'), store.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return root;
}

const logger = pino({ level: 'silent' });

test('it tells how far it is, and what the view holds in the end', async (t) => {
  const root = createRoot(t, 1000);
  const seen: number[] = [];
  const rebuilt = await rebuildIndex({
    open: (options) => openStorage({ root, logger, ...options }),
    onLedgerRead: ({ lines, doneBytes, totalBytes }) => {
      assert.ok(doneBytes <= totalBytes);
      seen.push(lines);
    },
    stop: NEVER,
  });
  assert.deepEqual([rebuilt.kind, rebuilt.hosts, rebuilt.episodes], ['done', 2, 1000]);
  assert.ok(seen.length > 1 && seen.at(-1) === 1000, `${seen}`);
});

test('a database that proves to be damaged is opened a second time, and no third', async (t) => {
  const root = createRoot(t, 1);
  for (const [failures, isRebuilt] of [
    [1, true],
    [2, false],
  ] as const) {
    let opened = 0;
    const rebuilding = rebuildIndex({
      open: async (options) => {
        opened += 1;
        if (opened <= failures) throw new AppError('sync-failed', 'state.db is damaged');
        return await openStorage({ root, logger, ...options });
      },
      onLedgerRead: () => undefined,
      stop: NEVER,
    });
    if (isRebuilt) assert.equal((await rebuilding).episodes, 1);
    else await assert.rejects(rebuilding, { code: 'sync-failed' });
  }
});

test('told to stop, it ends and lets go of the store; the next one goes through', async (t) => {
  const root = createRoot(t, 1000);
  const stop = new AbortController();
  const open = (options: object) => openStorage({ root, logger, ...options });
  const interrupted = await rebuildIndex({ open, onLedgerRead: () => stop.abort(), stop: stop.signal });
  assert.equal(interrupted.kind, 'interrupted');
  const storage = await openStorage({ root, logger });
  assert.equal((await storage.ledger.read(0, 2000)).length, 1000);
  await storage.close();
});
