// cis490 index verify, backfill and rebuild: the real program on real stores.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { put } from '../support/put.ts';
import { addRow, addTombstone, appendLine, storeFile } from '../support/stored-episodes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function createFleet(t: TestContext): Promise<TestFleet> {
  return await TestFleet.create(temporaryDirectory(t));
}

async function runIndex(fleet: TestFleet, ...args: string[]) {
  const program = Program.cis490(['index', ...args, '--config', fleet.receiverConfig]);
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

function stateOf(fleet: TestFleet): { last_seq: number; finished_at_wall: string | null } {
  return JSON.parse(readFileSync(join(fleet.store, 'verify-state.json'), 'utf8'));
}

function removeState(store: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(store, `state.db${suffix}`), { force: true });
}

test('verify: a whole store, with rows of an older receiver, a retracted episode and a torn last line', async (t) => {
  const fleet = await createFleet(t);
  const [a, b, again] = await Promise.all(['a', 'b', 'again'].map((id) => storeFile(fleet.store, 'lab-1', id)));
  assert.ok(a && b && again);
  addRow(fleet.store, a);
  appendLine(fleet.store, '');
  addRow(fleet.store, { ...a, episodeId: 'gone' });
  addRow(fleet.store, b, { commit: GOOD_COMMIT, a_field_of_tomorrow: 1 });
  addRow(fleet.store, again);
  // A second row of an episode does not count, whatever it says.
  addRow(fleet.store, again, { sha256: '0'.repeat(64) });
  addTombstone(fleet.store, 'lab-1', 'gone');
  appendFileSync(join(fleet.store, 'index.jsonl'), '{"host_id":"lab-1","episode');
  const { code, stdout, stderr } = await runIndex(fleet, 'verify');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^4 episodes, [0-9.]+ (?:B|KiB) verified: whole\n$/);
  assert.equal(stderr, '');
});

test('verify: each kind of damage is a line with its cure, and exit 1; the store stays as it is', async (t) => {
  const fleet = await createFleet(t);
  const { store } = fleet;
  const ids = ['whole', 'flipped', 'missing', 'short', 'unlisted', 'left'];
  const [whole, flipped, missing, short, unlisted, left] = await Promise.all(
    ids.map((id) => storeFile(store, 'lab-1', id)),
  );
  assert.ok(whole && flipped && missing && short && unlisted && left);
  for (const episode of [whole, flipped]) addRow(store, episode);
  appendLine(store, '{"host_id":"lab-1"}');
  for (const episode of [missing, short, left]) addRow(store, episode);
  addRow(store, { ...whole, episodeId: '../../../etc/passwd' });
  addTombstone(store, 'lab-1', 'left');
  chmodSync(flipped.path, 0o644);
  const damaged = Buffer.from(flipped.bytes);
  damaged.writeUInt8((damaged.at(-1) ?? 0) ^ 1, damaged.length - 1);
  writeFileSync(flipped.path, damaged);
  rmSync(missing.path);
  chmodSync(short.path, 0o644);
  writeFileSync(short.path, short.bytes.subarray(1));
  mkdirSync(join(store, 'episodes/not a host'));
  writeFileSync(join(store, 'episodes/lab-1/notes\n.txt'), '');
  const ledger = readFileSync(join(store, 'index.jsonl'));

  const { code, stdout, stderr } = await runIndex(fleet, 'verify');
  assert.equal(code, 1, stderr);
  const lines = stdout.trimEnd().split('\n');
  const file = (id: string) => `episodes/lab-1/${id}\\.tar\\.zst`;
  const expected = [
    new RegExp(
      `^changed +${file('flipped')}  seq 2: its SHA-256 is ${sha256(damaged)}, .*  next: mv .*flipped.*reship`,
    ),
    /^bad-line +index\.jsonl:3 {2}neither a row nor a tombstone {2}next: sed -n 3p .*index\.jsonl$/,
    new RegExp(
      `^missing +${file('missing')}  seq 4: the file is not there  next: on lab-1: cis490 reship --id missing`,
    ),
    new RegExp(`^wrong-size +${file('short')}  seq 5: the file has ${short.bytes.length - 1} bytes, its row`),
    /^bad-row +index\.jsonl:7 {2}seq 7: its host_id or episode_id is no id: lab-1\/\.\.\/\.\.\/\.\.\/etc\/passwd {2}next: sed/,
    new RegExp(`^unlisted +${file('unlisted')}  the ledger has no row of it  next: .*cis490 index backfill`),
    new RegExp(`^retracted-left +${file('left')}  it was retracted, its file is left  next: rm `),
    /^foreign +episodes\/lab-1\/notes\?\.txt .*next: ls -ld \$'.*notes\\x0a\.txt'/,
    /^foreign +episodes\/not a host .*next: ls -ld '.*not a host'/,
  ];
  for (const pattern of expected)
    assert.equal(lines.filter((line) => pattern.test(line)).length, 1, `${pattern}\n${stdout}`);
  assert.match(lines.at(-1) ?? '', /^5 episodes, .* verified: 9 problems$/);
  assert.equal(lines.length, expected.length + 1, stdout);
  assert.deepEqual(readFileSync(join(store, 'index.jsonl')), ledger);
  assert.equal(existsSync(join(store, 'state.db')), false);

  const asJson = await runIndex(fleet, 'verify', '--json');
  assert.equal(asJson.code, 1);
  const report = JSON.parse(asJson.stdout);
  assert.equal(report.status, 'damaged');
  assert.equal(report.problem_count, 9);
  assert.deepEqual(report.problems.map(({ kind }: { kind: string }) => kind).toSorted(), [
    'bad-line',
    'bad-row',
    'changed',
    'foreign',
    'foreign',
    'missing',
    'retracted-left',
    'unlisted',
    'wrong-size',
  ]);
});

test('verify: ended by SIGINT or SIGKILL it goes on with what is left; a whole run is begun anew', async (t) => {
  const fleet = await createFleet(t);
  const first = await storeFile(fleet.store, 'lab-1', 'first');
  const large = await storeFile(fleet.store, 'lab-1', 'large', randomBytes(2 * 1024 * 1024));
  addRow(fleet.store, first);
  addRow(fleet.store, large);
  const slow = () => Program.cis490(['index', 'verify', '--rate', '1 KiB/s', '--config', fleet.receiverConfig]);

  // At this rate the large one would take half an hour: it is in the middle of it whenever it is looked at.
  const interrupted = slow();
  t.after(() => interrupted.kill());
  await eventually(
    () => existsSync(join(fleet.store, 'verify-state.json')) && stateOf(fleet).last_seq === 1,
    'the first one is verified',
  );
  interrupted.signal('SIGINT');
  assert.deepEqual(await interrupted.ended, { code: 1, signal: null });
  assert.match(interrupted.stderr, /^cis490: interrupted; go on with the same command$/m);
  assert.equal(stateOf(fleet).last_seq, 1);

  // What is changed behind its back now is found by the next whole run alone: so it does go on, and does not begin anew.
  chmodSync(first.path, 0o644);
  writeFileSync(first.path, Buffer.alloc(first.bytes.length));
  const killed = slow();
  t.after(() => killed.kill());
  await killed.printed(/goes on where it was ended seq=1 episodes=1/);
  await killed.kill();

  const rest = await runIndex(fleet, 'verify');
  assert.equal(rest.code, 0, rest.stdout);
  assert.match(rest.stdout, /^2 episodes, 2\.0 MiB verified: whole$/m);
  assert.notEqual(stateOf(fleet).finished_at_wall, null);
  const anew = await runIndex(fleet, 'verify');
  assert.equal(anew.code, 1);
  assert.match(anew.stdout, /^changed +episodes\/lab-1\/first/m);
});

test('verify: beside a receiver that goes on storing, and one verification at a time', async (t) => {
  const fleet = await createFleet(t);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const store = async (id: string) =>
    assert.equal((await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, id)).status, 201);
  for (let count = 0; count < 20; count += 1) await store(`before-${count}`);
  const verifying = runIndex(fleet, 'verify');
  let isOver = false;
  const over = verifying.finally(() => {
    isOver = true;
  });
  for (let count = 0; !isOver; count += 1) await store(`meanwhile-${count}`);
  const { code, stdout, stderr } = await over;
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /verified: whole/);

  const slow = Program.cis490(['index', 'verify', '--rate', '1 B/s', '--config', fleet.receiverConfig]);
  t.after(() => slow.kill());
  await eventually(() => stateOf(fleet).finished_at_wall === null, 'it is at work');
  const second = await runIndex(fleet, 'verify');
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another verify already works on/);
});

test('backfill: with the receiver running it says to stop it; --dry-run only tells', async (t) => {
  const fleet = await createFleet(t);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  await storeFile(fleet.store, 'lab-1', 'stray');
  const refused = await runIndex(fleet, 'backfill');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /a receiver is at work on .*\n.*systemctl stop cis490-receiver/);
  const dry = await runIndex(fleet, 'backfill', '--dry-run');
  assert.deepEqual(dry, {
    code: 0,
    stdout: 'would add  lab-1/stray\n1 episode would be added to the ledger\n',
    stderr: '',
  });
  assert.deepEqual(readRows(fleet.store), []);
});

test('backfill: a lost ledger is made again from the episodes themselves, once, and the receiver knows them', async (t) => {
  const fleet = await createFleet(t);
  const { store } = fleet;
  const a = await storeFile(store, 'lab-1', 'a');
  const b = await storeFile(store, 'lab-2', 'b');
  await storeFile(store, 'lab-2', 'taken-back');
  const unstamped = join(store, 'episodes/lab-2/unstamped.tar.zst');
  writeFileSync(unstamped, 'no tarball');
  writeFileSync(join(store, 'episodes/lab-2/README'), '');
  addRow(store, { ...a, episodeId: 'taken-back', hostId: 'lab-2' });
  addTombstone(store, 'lab-2', 'taken-back');

  const first = await runIndex(fleet, 'backfill');
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, new RegExp(`^added  lab-1/a  seq 3  commit ${GOOD_COMMIT}$`, 'm'));
  assert.match(first.stdout, /^added {2}lab-2\/unstamped {2}seq 5 {2}commit unknown$/m);
  assert.match(first.stdout, /^retracted-left .*taken-back.*wrong cable.*left alone/m);
  assert.match(first.stdout, /^foreign .*README/m);
  assert.match(first.stdout, /^4 episodes looked at, 3 added to the ledger\n$/m);
  const rows = readRows(store).slice(2);
  assert.deepEqual(rows[1], {
    host_id: 'lab-2',
    episode_id: 'b',
    // When it came, as the file itself tells.
    received_at_wall: '2026-05-01T06:37:53.500000+00:00',
    sha256: sha256(b.bytes),
    bytes: b.bytes.length,
    path: 'episodes/lab-2/b.tar.zst',
    schema_version: 'test-1',
    commit: GOOD_COMMIT,
    dirty: true,
    gate: 'recovered',
    seq: 4,
  });
  assert.equal(rows[2]?.commit, null);

  const ledger = readFileSync(join(store, 'index.jsonl'), 'utf8');
  const second = await runIndex(fleet, 'backfill');
  assert.equal(second.code, 0);
  assert.match(second.stdout, /^4 episodes looked at, 0 added to the ledger$/m);
  assert.equal(readFileSync(join(store, 'index.jsonl'), 'utf8'), ledger);

  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  for (const { hostId, episodeId, bytes } of [a, b]) {
    const target = `/v1/episodes/${hostId}/${episodeId}.tar.zst`;
    assert.equal((await put(fleet.port, target, bytes)).status, 200);
    assert.equal((await put(fleet.port, target, 'other')).status, 409);
  }
});

test('backfill: killed in the middle it goes on', async (t) => {
  const fleet = await createFleet(t);
  await storeFile(fleet.store, 'lab-1', 'a');
  await storeFile(fleet.store, 'lab-1', 'b', randomBytes(2 * 1024 * 1024));
  const slow = Program.cis490(['index', 'backfill', '--rate', '1 KiB/s', '--config', fleet.receiverConfig]);
  t.after(() => slow.kill());
  await slow.printed(/^added {2}lab-1\/a/m);
  await slow.kill();
  const rest = await runIndex(fleet, 'backfill');
  assert.equal(rest.code, 0, rest.stderr);
  assert.match(rest.stdout, /^added {2}lab-1\/b {2}seq 2/);
  assert.deepEqual(
    readRows(fleet.store).map(({ episode_id, seq }) => [episode_id, seq]),
    [
      ['a', 1],
      ['b', 2],
    ],
  );
});

test('rebuild: of a wrong, a damaged and a deleted state.db; counts and heartbeats of a sound one stay', async (t) => {
  const fleet = await createFleet(t);
  const { store } = fleet;
  for (const id of ['a', 'b', 'c']) addRow(store, await storeFile(store, 'lab-1', id));
  const path = join(store, 'state.db');
  const rebuild = async () => {
    const { code, stdout, stderr } = await runIndex(fleet, 'rebuild');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^the view of the ledger is made again: 3 episodes of 1 hosts?, /);
    return stderr;
  };
  const query = (sql: string) => {
    const database = new DatabaseSync(path);
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };
  await rebuild();
  query("INSERT INTO attempts VALUES ('lab-1', '2026-05-01T06:37', 'stored', 3) RETURNING 1");
  query("DELETE FROM ledger_rows WHERE episode_id = 'b' RETURNING 1");
  await rebuild();
  assert.deepEqual(
    query('SELECT episode_id FROM ledger_rows ORDER BY seq').map((row) => row['episode_id']),
    ['a', 'b', 'c'],
  );
  assert.equal(query('SELECT count FROM attempts')[0]?.['count'], 3);

  removeState(store);
  writeFileSync(path, randomBytes(9000));
  assert.match(await rebuild(), /state\.db is unusable; set aside/);
  removeState(store);
  await rebuild();

  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const refused = await runIndex(fleet, 'rebuild');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /a receiver is at work on .*\n.*systemctl stop cis490-receiver/);
});

test('a bad line in the middle of the ledger: the receiver starts, says so, keeps it, and takes nothing again', async (t) => {
  const fleet = await createFleet(t);
  const { store } = fleet;
  const a = await storeFile(store, 'lab-1', 'a');
  const b = await storeFile(store, 'lab-1', 'b');
  addRow(store, a);
  appendLine(store, '\u0000{"host_id": 5');
  addRow(store, b);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  for (const { episodeId, bytes } of [a, b]) {
    assert.equal((await put(fleet.port, `/v1/episodes/lab-1/${episodeId}.tar.zst`, bytes)).status, 200);
  }
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/c.tar.zst', 'c')).json['seq'], 4);
  await receiver.printed(/ledger: skipped lines that are no rows.* lines=1/);
  assert.equal(readFileSync(join(store, 'index.jsonl'), 'utf8').split('\n')[1], '\u0000{"host_id": 5');
});

test('run by root they work as the owner of the store, and leave no file of root behind', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root: sudo npm test');
  const fleet = await createFleet(t);
  const { root, store } = fleet;
  chmodSync(root, 0o755);
  await storeFile(store, 'lab-1', 'a');
  for (const name of ['', ...readdirSync(store, { recursive: true, encoding: 'utf8' })])
    chownSync(join(store, name), 65_534, 65_534);
  for (const command of ['backfill', 'rebuild', 'verify']) {
    const { code, stderr } = await runIndex(fleet, command);
    assert.equal(code, 0, stderr);
  }
  const names = readdirSync(store, { recursive: true, encoding: 'utf8' });
  assert.ok(names.includes('verify-state.json') && names.includes('index.jsonl') && names.includes('state.db'));
  assert.deepEqual(
    names.filter((name) => statSync(join(store, name)).uid !== 65_534),
    [],
  );
});

test('bad usage is exit 2', async (t) => {
  const fleet = await createFleet(t);
  for (const args of [['verify', '--rate', 'fast'], ['verify', '--rate', '0 B/s'], ['nonsense']]) {
    assert.equal((await runIndex(fleet, ...args)).code, 2, args.join(' '));
  }
  rmSync(fleet.store, { recursive: true });
  const absent = await runIndex(fleet, 'verify');
  assert.equal(absent.code, 2);
  assert.match(absent.stderr, /there is no .*store/);
});
