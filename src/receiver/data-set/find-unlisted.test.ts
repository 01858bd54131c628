import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handClock, LONG_AGO_WALL, MemoryStore, NOW_WALL } from './data-set.fixture.ts';
import { findUnlisted } from './find-unlisted.ts';

async function look(store: MemoryStore, clock = handClock(), signal = new AbortController().signal) {
  const found = await Array.fromAsync(findUnlisted({ blobs: store.blobs, ledger: store.ledger, clock, signal }));
  return {
    found: found.map((file) => (file.kind === 'foreign' ? file.path : `${file.kind} ${file.key.episodeId}`)),
    slept: clock.slept,
  };
}

test('what has its row is not told, and nobody waits', async () => {
  const store = new MemoryStore();
  store.addFile('h1/a', NOW_WALL);
  store.addRow('h1/a');
  assert.deepEqual(await look(store), { found: [], slept: [] });
  assert.equal(store.ledgerReads, 1);
});

test('what lies there for long without a row is told at once', async () => {
  const store = new MemoryStore();
  store.addFile('h1/a');
  assert.deepEqual(await look(store), { found: ['unlisted a'], slept: [] });
});

test('an upload that is just being committed gets time for its row', async () => {
  const store = new MemoryStore();
  store.addFile('h1/a', NOW_WALL);
  store.addFile('h1/b', '2027-01-01T00:00:00.000000+00:00');
  const clock = handClock();
  clock.onSleep = () => {
    store.addRow('h1/a');
    store.addRow('h1/b');
  };
  assert.deepEqual(await look(store, clock), { found: [], slept: [10_000] });
  store.addFile('h1/c', NOW_WALL);
  assert.deepEqual((await look(store)).found, ['unlisted c'], 'but it does not wait for ever');
});

test('a retracted file is told only if it stays', async () => {
  const store = new MemoryStore();
  for (const name of ['h1/left', 'h1/removed']) {
    store.addFile(name, NOW_WALL);
    store.addRow(name);
    store.addTombstone(name);
  }
  const clock = handClock();
  clock.onSleep = () => store.files.delete('h1/removed');
  assert.deepEqual((await look(store, clock)).found, ['retracted-left left']);
});

test('a file that goes before it is judged is not told', async () => {
  const store = new MemoryStore();
  store.addFile('h1/a', LONG_AGO_WALL);
  let looks = 0;
  store.onStat = () => {
    looks += 1;
    if (looks === 2) store.files.clear();
  };
  assert.deepEqual((await look(store)).found, []);
});

test('told to stop, it tells nothing more', async () => {
  const store = new MemoryStore();
  store.addFile('h1/a');
  assert.deepEqual((await look(store, handClock(), AbortSignal.abort())).found, []);
});
