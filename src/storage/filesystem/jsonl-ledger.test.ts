import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { AfterStep } from '../../lib/after-step.ts';
import { isTombstone, type LedgerEntry, type SequencedRow } from '../../protocol/ledger-row.ts';
import { LedgerView } from '../sqlite/ledger-view.ts';
import { openStateDatabase } from '../sqlite/state-database.ts';
import {
  filesLike,
  fillDisk,
  lineOf,
  mountTmpfsOrSkip,
  type RecordingLogger,
  recordingLogger,
  rowOf,
  temporaryDirectory,
  tombstoneLineOf,
  tombstoneOf,
} from '../storage.fixture.ts';
import type { StorageStep } from '../storage-step.ts';
import { JsonlLedger } from './jsonl-ledger.ts';

const NEVER = new AbortController().signal;

interface Opened {
  ledger: JsonlLedger;
  view: LedgerView;
  database: DatabaseSync;
  log: RecordingLogger['records'];
  close(): Promise<void>;
}

interface Place {
  index: string;
  state: string;
}

function placeIn(directory: string): Place {
  return { index: join(directory, 'index.jsonl'), state: join(directory, 'state.db') };
}

async function openLedger({ index, state }: Place, afterStep?: AfterStep<StorageStep>): Promise<Opened> {
  const { logger, records } = recordingLogger();
  const database = openStateDatabase(state, logger);
  const view = new LedgerView(database);
  const ledger = await JsonlLedger.open({ path: index, view, logger, ...(afterStep && { afterStep }) });
  const close = async () => {
    await ledger.close();
    database.close();
  };
  return { ledger, view, database, log: records, close };
}

/** Opens what is there, reads all of it, closes. */
async function readAll(place: Place): Promise<{ rows: LedgerEntry[]; log: Opened['log'] }> {
  const { ledger, log, close } = await openLedger(place);
  const rows = await ledger.read(0, 100_000);
  await close();
  return { rows, log };
}

function idsOf(rows: readonly LedgerEntry[]): string[] {
  return rows.map((row) => row.episode_id);
}

function seqsOf(rows: readonly LedgerEntry[]): number[] {
  return rows.map((row) => row.seq);
}

test('a torn last line is set aside byte for byte, said so, and appending goes on behind the last whole one', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const whole = lineOf('e1', { seq: 1 }) + lineOf('e2', { seq: 2 });
  const torn = Buffer.concat([Buffer.from(lineOf('e3', { seq: 3 })).subarray(0, 60), Buffer.from([0xff, 0x00, 0xc3])]);
  writeFileSync(place.index, Buffer.concat([Buffer.from(whole), torn]));
  const { ledger, log, close } = await openLedger(place);
  assert.equal(readFileSync(place.index, 'utf8'), whole);
  const row = await appendedRow(ledger, 'e4');
  await close();
  const [aside, ...more] = filesLike(join(place.index, '..'), /torn/);
  assert.ok(aside && more.length === 0);
  assert.deepEqual(readFileSync(join(place.index, '..', aside)), torn);
  assert.ok(log.some(({ msg, aside: path }) => /torn/.test(String(msg)) && String(path).endsWith(aside)));
  assert.equal(row.seq, 3);
  assert.equal(readFileSync(place.index, 'utf8'), `${whole}${JSON.stringify(row)}\n`);
});

test('a torn line of more than one read, and torn lines of two crashes, are all kept', async (t) => {
  const directory = temporaryDirectory(t);
  const place = placeIn(directory);
  const long = Buffer.alloc(2.5 * 1024 * 1024, 0);
  writeFileSync(place.index, Buffer.concat([Buffer.from(lineOf('e1')), long]));
  assert.deepEqual(idsOf((await readAll(place)).rows), ['e1']);
  appendFileSync(place.index, '{"host_id":');
  assert.deepEqual(idsOf((await readAll(place)).rows), ['e1']);
  const kept = filesLike(directory, /torn/).map((name) => readFileSync(join(directory, name)));
  assert.deepEqual(
    kept.toSorted((a, b) => a.length - b.length),
    [Buffer.from('{"host_id":'), long],
  );
});

test('a whole last row without its newline is completed, not set aside', async (t) => {
  const directory = temporaryDirectory(t);
  const place = placeIn(directory);
  const content = lineOf('e1') + lineOf('e2');
  writeFileSync(place.index, content.slice(0, -1));
  const { rows, log } = await readAll(place);
  assert.deepEqual(idsOf(rows), ['e1', 'e2']);
  assert.equal(readFileSync(place.index, 'utf8'), content);
  assert.deepEqual(filesLike(directory, /torn/), []);
  assert.ok(log.some(({ msg }) => /missing last newline/.test(String(msg))));
});

test('bad lines are skipped, counted and never rewritten; empty lines are not bad', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const bad = ['{"host_id":"h1"}\n', '\u0000\u0000\n', '[]\n', 'null\n', `{"a":${lineOf('e9')}`];
  const content = [lineOf('e1'), ...bad, '\n', ' \r\n', lineOf('e2')].join('');
  writeFileSync(place.index, Buffer.concat([Buffer.from(content), Buffer.from([0xff, 0x0a])]));
  const before = readFileSync(place.index);
  const { rows, log } = await readAll(place);
  assert.deepEqual(idsOf(rows), ['e1', 'e2']);
  assert.deepEqual(readFileSync(place.index), before);
  assert.deepEqual(
    log.filter(({ msg }) => /skipped/.test(String(msg))).map(({ lines }) => lines),
    [bad.length + 1],
  );
});

test('rows of an older receiver count by their line, bad lines too, and the next seq is the highest plus one', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  writeFileSync(
    place.index,
    [
      lineOf('e1'),
      'no row\n',
      lineOf('e3'),
      lineOf('e4', { seq: 40 }),
      lineOf('e5'),
      lineOf('e6', { seq: 7 }),
      lineOf('e7', { seq: 50 }),
    ].join(''),
  );
  const { ledger, close } = await openLedger(place);
  const rows = await ledger.read(0, 10);
  assert.deepEqual(
    rows.map(({ episode_id: id, seq }) => [id, seq]),
    [
      ['e1', 1],
      ['e3', 3],
      ['e4', 40],
      ['e5', 41],
      ['e6', 42],
      ['e7', 50],
    ],
  );
  assert.equal((await appendedRow(ledger, 'e8')).seq, 51);
  await close();
});

test('fields that are not known here are kept by find and read', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const extra = { tomorrow: { deep: [1, 'two'] }, gate: { head: null, source: 'x' } };
  writeFileSync(place.index, lineOf('e1', { seq: 1, ...extra }));
  const { rows } = await readAll(place);
  assert.deepEqual(rows, [{ ...rowOf('e1'), ...extra, seq: 1 }]);
});

test('of two rows of one episode the first is read; the second keeps its seq from others and wakes nobody', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  writeFileSync(place.index, lineOf('e1', { seq: 1 }) + lineOf('e1', { seq: 2, sha256: 'b'.repeat(64) }));
  const { ledger, close } = await openLedger(place);
  assert.deepEqual(seqsOf(await ledger.read(0, 10)), [1]);
  let woken = false;
  const waiting = ledger.waitAfter(1, NEVER).then(() => {
    woken = true;
  });
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.equal(woken, false, 'woken for a row that can never be read');
  assert.equal((await appendedRow(ledger, 'e2')).seq, 3);
  await waiting;
  await close();
});

test('tombstone lines take their seq, of two the first stands, and the second wakes nobody', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const later = tombstoneLineOf('e1', { reason: 'again' });
  writeFileSync(place.index, lineOf('e1') + tombstoneLineOf('e1') + later + lineOf('e2') + later);
  const { ledger, close } = await openLedger(place);
  assert.deepEqual(
    (await ledger.read(0, 10)).map((entry) => [entry.episode_id, entry.seq, isTombstone(entry)]),
    [
      ['e1', 1, false],
      ['e1', 2, true],
      ['e2', 4, false],
    ],
  );
  assert.equal((await ledger.find('h1', 'e1'))?.tombstone?.reason, tombstoneOf('e1').reason);
  let woken = false;
  const waiting = ledger.waitAfter(4, NEVER).then(() => {
    woken = true;
  });
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.equal(woken, false, 'woken for a tombstone that can never be read');
  const retracted = await ledger.retract(tombstoneOf('e2'));
  assert.ok(retracted.kind === 'retracted' && retracted.tombstone.seq === 6);
  await waiting;
  await close();
});

test('a tombstone without its row: read, found as retracted, and its id is not stored again', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  writeFileSync(place.index, `${lineOf('e1').slice(0, 40)}\n${tombstoneLineOf('e1')}${lineOf('e2')}`);
  const { ledger, close } = await openLedger(place);
  assert.deepEqual(seqsOf(await ledger.read(0, 10)), [2, 3]);
  const found = await ledger.find('h1', 'e1');
  assert.deepEqual([found?.row, found?.tombstone?.seq], [undefined, 2]);
  assert.equal((await ledger.append(rowOf('e1'))).kind, 'retracted');
  assert.equal((await ledger.retract(tombstoneOf('e1'))).kind, 'already-retracted');
  assert.deepEqual(idsOf((await ledger.list({}, 0, 10)).rows), ['e2']);
  await close();
});

test('a row behind the tombstone of its id stays retracted', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  writeFileSync(place.index, tombstoneLineOf('e1') + lineOf('e1'));
  const { ledger, close } = await openLedger(place);
  const found = await ledger.find('h1', 'e1');
  assert.deepEqual([found?.row?.seq, found?.tombstone?.seq], [2, 1]);
  assert.deepEqual(await ledger.list({}, 0, 10), { rows: [], nextAfterSeq: undefined });
  await close();
});

test('sizes that a hand has made too large do not stop the ledger', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const lines = Array.from({ length: 2000 }, (_, index) => lineOf(`e${index}`, { bytes: Number.MAX_SAFE_INTEGER }));
  writeFileSync(place.index, lines.join(''));
  const { ledger, close } = await openLedger(place);
  assert.equal((await ledger.hosts())[0]?.episodes, 2000);
  assert.equal((await ledger.append(rowOf('new'))).kind, 'appended');
  await close();
});

test('a seq beyond all counting does not stop the counting', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  writeFileSync(place.index, lineOf('e1', { seq: Number.MAX_SAFE_INTEGER }) + lineOf('e2'));
  const { ledger, close } = await openLedger(place);
  const row = await appendedRow(ledger, 'e3');
  assert.deepEqual(seqsOf(await ledger.read(0, 10)), [1, 2, row.seq]);
  assert.equal(row.seq, 3);
  await close();
});

// Each damages what a clean stop left; the same rows must be there again.
const DAMAGES: Record<string, { damage: (place: Place) => void; begunAnew: boolean }> = {
  deleted: {
    damage: ({ state }) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(state + suffix, { force: true });
    },
    begunAnew: false,
  },
  'garbage from its first byte': {
    damage: ({ state }) => writeFileSync(state, Buffer.alloc(9000, 0xa5)),
    begunAnew: true,
  },
  'garbage but for its first page': {
    damage: ({ state }) => overwrite(state, 4096, statSync(state).size, 0xff),
    begunAnew: true,
  },
  'cut in half': { damage: ({ state }) => truncateSync(state, 4096 * 3), begunAnew: true },
  empty: { damage: ({ state }) => truncateSync(state, 0), begunAnew: false },
  'garbage in its write-ahead log': {
    damage: ({ state }) => writeFileSync(`${state}-wal`, Buffer.alloc(9000, 0xa5)),
    begunAnew: false,
  },
};

for (const [what, { damage, begunAnew }] of Object.entries(DAMAGES)) {
  test(`state.db ${what}: the same rows again`, async (t) => {
    const directory = temporaryDirectory(t);
    const place = placeIn(directory);
    const before = await fillWith(place, 300);
    damage(place);
    const { rows, log } = await readAll(place);
    assert.deepEqual(rows, before);
    assert.equal(existsSync(`${place.state}.damaged`), begunAnew);
    assert.equal(
      log.some(({ msg }) => /set aside/.test(String(msg))),
      begunAnew,
    );
    assert.deepEqual((await readAll(place)).rows, before);
  });
}

test('while a lost state.db is made again from the ledger it is not caught up', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  writeFileSync(place.index, Array.from({ length: 300 }, (_, index) => lineOf(`e${index}`)).join(''));
  const { ledger, close } = await openLedger(place);
  assert.equal(ledger.isCaughtUp(), false);
  assert.ok(await ledger.find('h1', 'e299'));
  assert.equal(ledger.isCaughtUp(), true);
  await close();
});

test('a ledger of more rows than are saved at once: stopped on the way, it is read on from there', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const count = 70_000;
  writeFileSync(place.index, Array.from({ length: count }, (_, index) => lineOf(`e${index}`)).join(''));
  const { view, ledger, close } = await openLedger(place);
  while (view.position().lastSeq < 40_000) await nextTurn();
  assert.equal(ledger.isCaughtUp(), false);
  await close();
  const { rows, log } = await readAll(place);
  assert.deepEqual(
    seqsOf(rows),
    Array.from({ length: count }, (_, index) => index + 1),
  );
  const read = log.find(({ msg }) => /brought up/.test(String(msg)));
  assert.ok(Number(read?.['lines']) <= count - 40_000, 'what was saved before is not read again');
});

test('a state.db that cannot be written while it is brought up: sync-failed, and the next start reads on', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  writeFileSync(place.index, lineOf('e1'));
  await readAll(place);
  appendFileSync(place.index, lineOf('e2'));
  const other = new DatabaseSync(place.state);
  other.exec('BEGIN IMMEDIATE');
  const { ledger, close } = await openLedger(place);
  await assert.rejects(ledger.find('h1', 'e2'), { code: 'sync-failed' });
  other.close();
  await assert.rejects(ledger.append(rowOf('e3')), { code: 'sync-failed' });
  await close();
  assert.deepEqual(idsOf((await readAll(place)).rows), ['e1', 'e2']);
});

test('damage in the middle of state.db is met later, refused as sync-failed, and cured by the next start', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const before = await fillWith(place, 3000);
  const { size } = statSync(place.state);
  overwrite(place.state, page(size * 0.3), page(size * 0.6), 0xff);
  const { ledger, close } = await openLedger(place);
  const looks = await Promise.allSettled(before.map((row) => ledger.find(row.host_id, row.episode_id)));
  const refused = looks.filter((look) => look.status === 'rejected');
  assert.ok(refused.length > 0, 'the damage was not met');
  for (const { reason } of refused) assert.equal(reason.code, 'sync-failed');
  await close();
  assert.deepEqual((await readAll(place)).rows, before);
});

test('a ledger that was cut, replaced, or has grown since state.db read it is read as it is now', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const before = await fillWith(place, 20);
  const content = readFileSync(place.index, 'utf8');
  const lines = content.split('\n').slice(0, -1);

  writeFileSync(place.index, `${lines.slice(0, 7).join('\n')}\n`);
  assert.deepEqual((await readAll(place)).rows, before.slice(0, 7));

  writeFileSync(place.index, content);
  assert.deepEqual((await readAll(place)).rows, before);

  const replaced = Array.from({ length: 20 }, (_, index) => lineOf(`other-${index}`, { seq: index + 1 })).join('');
  writeFileSync(place.index, replaced);
  const { rows, log } = await readAll(place);
  assert.deepEqual(
    idsOf(rows),
    Array.from({ length: 20 }, (_, index) => `other-${index}`),
  );
  assert.ok(log.some(({ msg }) => /replaced or cut/.test(String(msg))));

  rmSync(place.index);
  assert.deepEqual((await readAll(place)).rows, []);
});

test('the order of an append: written, synced, and only then in the view and told', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const seen: [StorageStep, inFile: boolean, inView: boolean][] = [];
  let told = false;
  const opened = await openLedger(place, (step) => {
    assert.equal(told, false);
    seen.push([
      step,
      readFileSync(place.index, 'utf8').includes('"e1"'),
      opened.view.lookUp('h1', 'e1').row !== undefined,
    ]);
  });
  await opened.ledger.append(rowOf('e1')).then(() => {
    told = true;
  });
  assert.deepEqual(seen, [
    ['row-written', true, false],
    ['row-synced', true, false],
    ['view-updated', true, true],
  ]);
  await opened.close();
});

test('appends that wait together share one write and one fsync; hundreds more go on in order', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const steps: StorageStep[] = [];
  const { ledger, close } = await openLedger(place, (step) => steps.push(step));
  await ledger.read(0, 1);
  await Promise.all(Array.from({ length: 500 }, (_, index) => ledger.append(rowOf(`e${index}`))));
  assert.equal(steps.filter((step) => step === 'row-synced').length, 1);
  await Promise.all(Array.from({ length: 1000 }, (_, index) => ledger.append(rowOf(`f${index}`))));
  assert.equal(steps.filter((step) => step === 'row-synced').length, 3);
  assert.deepEqual(
    seqsOf(await ledger.read(0, 2000)),
    Array.from({ length: 1500 }, (_, index) => index + 1),
  );
  await close();
});

test('an append that is made in the same breath as another is answered is answered too', async (t) => {
  const { ledger, close } = await openLedger(placeIn(temporaryDirectory(t)));
  const chain = ledger.append(rowOf('e1')).then(() => ledger.append(rowOf('e2')));
  const outcome = await Promise.race([chain, manyTurns()]);
  assert.equal(outcome?.kind, 'appended');
  await close();
});

test('after a write whose durability is unknown nothing is appended any more, and the next start reads what is there', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  let breakNow = false;
  const { ledger, close } = await openLedger(place, (step) => {
    if (breakNow && step === 'row-written') throw new Error('the disk has gone');
  });
  await ledger.append(rowOf('e1'));
  breakNow = true;
  await assert.rejects(ledger.append(rowOf('e2')), { code: 'sync-failed' });
  breakNow = false;
  await assert.rejects(ledger.append(rowOf('e3')), { code: 'sync-failed' });
  assert.equal(await ledger.find('h1', 'e2'), undefined);
  await close();
  assert.deepEqual(idsOf((await readAll(place)).rows), ['e1', 'e2']);
});

test('disk full: disk-full, the ledger ends at its last durable line, and goes on after room was made', async (t) => {
  const directory = temporaryDirectory(t);
  const small = join(directory, 'small');
  mkdirSync(small);
  if (!mountTmpfsOrSkip(t, small, 'size=1m')) return;
  const place = { index: join(small, 'index.jsonl'), state: join(directory, 'state.db') };
  const opened = await openLedger(place);
  const first = await appendedRow(opened.ledger, 'e1');
  const filler = await fillDisk(small);
  const durable = readFileSync(place.index);
  // More than the rest of the last page, so that a part of it is written first.
  const many = Array.from({ length: 200 }, (_, index) => rowOf(`many-${index}`));
  for (const outcome of await Promise.allSettled(many.map((row) => opened.ledger.append(row)))) {
    assert.ok(outcome.status === 'rejected' && outcome.reason.code === 'disk-full');
  }
  assert.deepEqual(readFileSync(place.index), durable);
  assert.deepEqual(await opened.ledger.read(0, 10), [first]);
  await filler.release();
  const second = await appendedRow(opened.ledger, 'many-0');
  assert.equal(second.seq, 2);
  await opened.close();
  assert.equal(readFileSync(place.index, 'utf8'), `${durable}${JSON.stringify(second)}\n`);
  assert.deepEqual((await readAll(place)).rows, [first, second]);
});

test('disk full: what the ledger already has is told all the same, and only what needed room is refused', async (t) => {
  const directory = temporaryDirectory(t);
  const small = join(directory, 'small');
  mkdirSync(small);
  if (!mountTmpfsOrSkip(t, small, 'size=1m')) return;
  const place = { index: join(small, 'index.jsonl'), state: join(directory, 'state.db') };
  writeFileSync(place.index, lineOf('stored') + lineOf('gone') + tombstoneLineOf('gone'));
  const { ledger, close } = await openLedger(place);
  await ledger.read(0, 1);
  const filler = await fillDisk(small);
  const big = { path: 'x'.repeat(20_000) };
  const outcomes = await Promise.allSettled([
    ledger.append(rowOf('new', big)),
    ledger.append(rowOf('stored')),
    ledger.append(rowOf('stored', { sha256: 'b'.repeat(64) })),
    ledger.append(rowOf('new', big)),
    ledger.append(rowOf('gone')),
    ledger.retract(tombstoneOf('gone')),
    ledger.retract(tombstoneOf('nobody')),
    ledger.retract(tombstoneOf('stored')),
    ledger.append(rowOf('stored')),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.kind : outcome.reason.code)),
    [
      'disk-full',
      'duplicate',
      'conflict',
      'disk-full',
      'retracted',
      'already-retracted',
      'not-found',
      'disk-full',
      'disk-full',
    ],
  );
  await filler.release();
  assert.equal((await ledger.append(rowOf('stored'))).kind, 'duplicate');
  assert.equal((await ledger.retract(tombstoneOf('stored'))).kind, 'retracted');
  await close();
});

test('disk full while a torn line is set aside: nothing is cut', async (t) => {
  const small = join(temporaryDirectory(t), 'small');
  await mkdir(small);
  if (!mountTmpfsOrSkip(t, small, 'size=1m')) return;
  const place = placeIn(small);
  const content = `${lineOf('e1')}{"torn":"${'x'.repeat(5000)}`;
  writeFileSync(place.index, content);
  const { database } = await openStateAlone(place);
  const filler = await fillDisk(small);
  const { logger } = recordingLogger();
  const opening = JsonlLedger.open({ path: place.index, view: new LedgerView(database), logger });
  await assert.rejects(opening, { code: 'disk-full' });
  assert.equal(readFileSync(place.index, 'utf8'), content);
  database.close();
  await filler.release();
  assert.deepEqual(idsOf((await readAll(place)).rows), ['e1']);
});

test('no room for the view: disk-full, nobody hears of the row, and after room was made it is there once', async (t) => {
  const place = placeIn(temporaryDirectory(t));
  const { ledger, database, close } = await openLedger(place);
  const before = await appendedRow(ledger, 'e0');
  const abort = new AbortController();
  let woken = false;
  const waiting = ledger.waitAfter(before.seq, abort.signal).then(() => {
    woken = true;
  });
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() ?? {};
  database.exec(`PRAGMA max_page_count = ${pages}`);
  const big = rowOf('big', { path: 'x'.repeat(20_000) });
  await assert.rejects(ledger.append(big), { code: 'disk-full' });
  await assert.rejects(ledger.append(rowOf('e1')), { code: 'disk-full' });
  await assert.rejects(ledger.find('h1', 'big'), { code: 'disk-full' });
  assert.equal(woken, false);
  database.exec('PRAGMA max_page_count = 1000000');
  const again = await ledger.append(big);
  await waiting;
  assert.ok(again.kind === 'duplicate' && again.row.seq === 2);
  assert.deepEqual(await ledger.read(0, 10), [before, again.row]);
  assert.equal((await appendedRow(ledger, 'e1')).seq, 3);
  await close();
  assert.deepEqual(seqsOf((await readAll(place)).rows), [1, 2, 3]);
});

// Any bytes: pure noise, and what a ledger may really hold, torn and mixed.
const ledgerBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(
      fc.oneof(
        fc
          .record({ id: fc.integer({ min: 0, max: 5 }), seq: fc.option(fc.maxSafeNat(), { nil: undefined }) })
          .map(({ id, seq }) => Buffer.from(lineOf(`e${id}`, seq === undefined ? {} : { seq }))),
        fc.integer({ min: 0, max: 5 }).map((id) => Buffer.from(tombstoneLineOf(`e${id}`))),
        fc.integer({ min: 1, max: 150 }).map((length) => Buffer.from(lineOf('e1')).subarray(0, length)),
        fc.json().map((json) => Buffer.from(`${json}\n`)),
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        fc.constant(Buffer.from('\n')),
      ),
      { maxLength: 12 },
    )
    .map((pieces) => Buffer.concat(pieces)),
);

test('any bytes as a ledger: it opens, keeps every old line byte for byte, and appends above all that it read', async (t) => {
  const directory = temporaryDirectory(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(ledgerBytes, async (bytes) => {
      run += 1;
      const here = join(directory, String(run));
      await mkdir(here);
      const place = placeIn(here);
      writeFileSync(place.index, bytes);
      const { ledger, close } = await openLedger(place);
      const before = await ledger.read(0, 1000);
      const row = await appendedRow(ledger, 'appended');
      const after = await ledger.read(0, 1000);
      await close();

      assert.deepEqual(after, [...before, row]);
      assert.ok(before.every((one, index) => one.seq > (before[index - 1]?.seq ?? 0) && one.seq < row.seq));
      assert.equal(new Set(after.map((entry) => `${isTombstone(entry)} ${entry.episode_id}`)).size, after.length);

      const kept = wholeLinesOf(bytes);
      const tail = bytes.subarray(kept.byteLength);
      const asides = filesLike(here, /torn/).map((name) => readFileSync(join(here, name)));
      const completed = tail.byteLength > 0 && asides.length === 0;
      const expected = [kept, ...(completed ? [tail, Buffer.from('\n')] : []), Buffer.from(`${JSON.stringify(row)}\n`)];
      assert.deepEqual(readFileSync(place.index), Buffer.concat(expected));
      assert.deepEqual(asides, tail.byteLength === 0 || completed ? [] : [tail]);

      rmSync(place.state);
      assert.deepEqual((await readAll(place)).rows, after);
    }),
    { numRuns: 80 },
  );
});

function wholeLinesOf(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
}

async function appendedRow(ledger: JsonlLedger, episodeId: string): Promise<SequencedRow> {
  const outcome = await ledger.append(rowOf(episodeId));
  assert.ok(outcome.kind === 'appended', outcome.kind);
  return outcome.row;
}

async function fillWith(place: Place, count: number): Promise<LedgerEntry[]> {
  const { ledger, close } = await openLedger(place);
  await Promise.all(Array.from({ length: count }, (_, index) => ledger.append(rowOf(`e${index}`))));
  const rows = await ledger.read(0, count + 1);
  await close();
  assert.equal(rows.length, count);
  return rows;
}

async function openStateAlone({ state }: Place): Promise<{ database: DatabaseSync }> {
  return { database: openStateDatabase(state, recordingLogger().logger) };
}

function overwrite(path: string, from: number, to: number, byte: number): void {
  const content = readFileSync(path);
  writeFileSync(path, content.fill(byte, from, to));
}

function page(offset: number): number {
  return Math.floor(offset / 4096) * 4096;
}

/** Long enough for whatever is going to happen without a timer. */
async function manyTurns(): Promise<undefined> {
  for (let turn = 0; turn < 20_000; turn += 1) await nextTurn();
}
