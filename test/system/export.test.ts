// cis490 export as its users run it: from a store and from a receiver, into bags that others can check.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runExport } from '../../src/export/app.ts';
import type { SelectionWords } from '../../src/export/selection.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { checkBag, valuesOf } from '../support/bag.ts';
import { TestAuthority } from '../support/certificates.ts';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { addRow, addTombstone, appendLine, storeFile } from '../support/stored-episodes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const OTHER_COMMIT = 'c'.repeat(40);
const MIB = 1024 * 1024;

interface Printed {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function exportTo(out: string, args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Printed> {
  // Whoever runs the tests may have a receiver of their own.
  const unset = { CIS490_RECEIVER_URL: undefined, CIS490_TOKEN_FILE: undefined, CIS490_CA_FILE: undefined };
  const program = Program.cis490(['export', '--out', out, ...args], {
    ...unset,
    CIS490_CONFIG: undefined,
    ...environment,
  });
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** Of two hosts and two commits, a day apart; one retracted, one of an older receiver, one row that is there twice. */
async function makeStore(store: string): Promise<void> {
  mkdirSync(store, { recursive: true });
  const at = (day: number) => ({ received_at_wall: `2026-05-0${day}T06:37:53.830599+00:00` });
  const a = await storeFile(store, 'lab-1', 'a');
  addRow(store, a, at(1));
  addRow(store, await storeFile(store, 'lab-2', 'b', randomBytes(700_000)), { ...at(2), commit: GOOD_COMMIT, seq: 7 });
  addRow(store, await storeFile(store, 'lab-1', 'retracted'), { ...at(2), commit: GOOD_COMMIT });
  appendLine(store, 'no row');
  addRow(store, a, at(3));
  addTombstone(store, 'lab-1', 'retracted');
  rmSync(join(store, 'episodes/lab-1/retracted.tar.zst'));
  addRow(store, await storeFile(store, 'lab-1', 'c'), {
    ...at(3),
    commit: OTHER_COMMIT,
    note: 'a field\u2028of tomorrow',
  });
  addRow(store, await storeFile(store, 'lab-2', 'd'), { ...at(4), commit: OTHER_COMMIT, schema_version: 2 });
}

async function storeAt(t: TestContext): Promise<{ root: string; store: string }> {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  await makeStore(store);
  return { root, store };
}

function snapshot(directory: string): unknown[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
    const { mtimeMs, size, mode, uid } = statSync(join(directory, name));
    return [name, mtimeMs, size, mode, uid];
  });
}

async function runHere(
  from: string,
  directory: string,
  more: Partial<Parameters<typeof runExport>[0]> = {},
): Promise<{ code: number; printed: string }> {
  const isUrl = from.startsWith('http');
  const printed: string[] = [];
  const code = await runExport({
    from: isUrl
      ? { kind: 'receiver', receiver: { url: from, token: undefined, ca: undefined } }
      : { kind: 'store', root: from },
    directory,
    selection: ALL,
    jobs: 1,
    verify: false,
    json: false,
    output: { write: (text) => printed.push(text) },
    progress: { update: () => undefined, clear: () => undefined },
    logger: createLogger({ level: 'info', form: 'plain', clock: systemClock, write: (line) => printed.push(line) }),
    clock: systemClock,
    random: () => 0.1,
    stop: new AbortController().signal,
    ...more,
  });
  return { code, printed: printed.join('') };
}

const ALL: SelectionWords = { hosts: [], commits: [], since: undefined, until: undefined };
const SELECTIONS: [words: Partial<SelectionWords>, episodes: string[], info: Record<string, string[]>][] = [
  [{}, ['lab-1/a', 'lab-2/b', 'lab-1/c', 'lab-2/d'], {}],
  [{ hosts: ['lab-1'] }, ['lab-1/a', 'lab-1/c'], { 'Cis490-Host': ['lab-1'] }],
  [
    { hosts: ['lab-2', 'lab-1'], commits: [OTHER_COMMIT.toUpperCase()] },
    ['lab-1/c', 'lab-2/d'],
    { 'Cis490-Host': ['lab-1', 'lab-2'], 'Cis490-Commit': [OTHER_COMMIT] },
  ],
  [{ commits: [GOOD_COMMIT, OTHER_COMMIT] }, ['lab-2/b', 'lab-1/c', 'lab-2/d'], {}],
  [
    { since: '2026-05-02', until: '2026-05-03T06:37:53.830599Z' },
    ['lab-2/b'],
    {
      'Cis490-Since': ['2026-05-02T00:00:00.000000+00:00'],
      'Cis490-Until': ['2026-05-03T06:37:53.830599+00:00'],
    },
  ],
  [{ hosts: ['lab-9'] }, [], {}],
];

test('the same bag from a store and from its receiver, whatever is selected; the store is not touched', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  await makeStore(fleet.store);
  const before = snapshot(fleet.store);
  const bags = SELECTIONS.map((_, at) => join(fleet.root, `bag-${at}`));
  for (const [at, [words, episodes, info]] of SELECTIONS.entries()) {
    const { code, printed } = await runHere(fleet.store, bags[at] ?? '', { selection: { ...ALL, ...words } });
    assert.equal(code, 0);
    const counts = new RegExp(`^${episodes.length} episodes?, .*, ${episodes.length} of them new: whole$`, 'm');
    assert.match(printed, counts);
    assert.match(printed, /WARNING the ledger has lines that are no rows: they are left out lines=1 /);
    assert.equal(printed.includes('no stored episode is selected'), episodes.length === 0);
    const bag = checkBag(bags[at] ?? '');
    assert.deepEqual(bag.episodes, episodes);
    for (const [label, values] of Object.entries(info)) assert.deepEqual(valuesOf(bag.info, label), values);
  }
  assert.deepEqual(snapshot(fleet.store), before);

  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  for (const [at, [words]] of SELECTIONS.entries()) {
    const [own, over] = [bags[at] ?? '', `${bags[at]}-http`];
    const selection = { ...ALL, ...words };
    assert.equal((await runHere(fleet.url, over, { selection })).code, 0);
    assert.deepEqual(checkBag(over).content, checkBag(own).content);
    // Either goes on with what the other has made.
    const { code, printed } = await runHere(`${fleet.url}/`, own, { selection });
    assert.equal(code, 0);
    assert.match(printed, /, 0 of them new: whole$/m);
  }
});

test('as it is typed: by the configuration of its own machine, from a store, from a receiver', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  await makeStore(fleet.store);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const nowhere = { CIS490_RECEIVER_URL: 'http://127.0.0.1:9' };
  const selection = ['--host', 'lab-2', 'lab-1', '--commit', OTHER_COMMIT, '--since', '2026-05-01', '--jobs', '2'];
  const ways: [args: string[], environment: NodeJS.ProcessEnv][] = [
    [['--config', fleet.receiverConfig], nowhere],
    [['--store', fleet.store], nowhere],
    [['--receiver', fleet.url], nowhere],
    [[], { CIS490_RECEIVER_URL: fleet.url }],
  ];
  for (const [at, [args, environment]] of ways.entries()) {
    const bag = join(fleet.root, `bag-${at}`);
    const { code, stdout, stderr } = await exportTo(bag, [...args, ...selection], environment);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^2 episodes, .*\ncheck it: cd \S+ && sha256sum --check --quiet manifest-sha256\.txt\n$/);
    assert.deepEqual(checkBag(bag).episodes, ['lab-1/c', 'lab-2/d']);
  }
});

test('brought up to date beside a receiver at work: what came is added, what was retracted goes', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const store = (id: string) => put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, randomBytes(50_000));
  for (const id of ['a', 'b', 'c']) assert.equal((await store(id)).status, 201);
  const sources = [fleet.store, fleet.url];
  const bags = sources.map((_, at) => join(fleet.root, `bag-${at}`));
  for (const [at, from] of sources.entries()) assert.equal((await runHere(from, bags[at] ?? '')).code, 0);
  assert.equal((await send(fleet.port, '/v1/episodes/lab-1/b.tar.zst?reason=r', { method: 'DELETE' })).status, 200);
  assert.equal((await store('d')).status, 201);
  for (const [at, from] of sources.entries()) {
    const { code, printed } = await runHere(from, bags[at] ?? '');
    assert.equal(code, 0);
    assert.match(
      printed,
      /^removed {3}lab-1\/b {2}it was retracted\n3 episodes, .*, 1 of them new, 1 removed: whole$/m,
    );
    assert.deepEqual(checkBag(bags[at] ?? '').episodes, ['lab-1/a', 'lab-1/c', 'lab-1/d']);
  }
});

describe('what is damaged', () => {
  test('in the store is told and left out, the rest is whole; once it is mended it comes', async (t) => {
    const { root, store } = await storeAt(t);
    const [bag, file] = [join(root, 'bag'), join(store, 'episodes/lab-1/c.tar.zst')];
    const good = readFileSync(file);
    chmodSync(file, 0o644);
    writeFileSync(file, Buffer.alloc(good.length));
    rmSync(join(store, 'episodes/lab-2/d.tar.zst'));
    appendLine(store, {
      ...JSON.parse(readFileSync(join(store, 'index.jsonl'), 'utf8').split('\n')[0] ?? ''),
      host_id: '../..',
    });
    for (const from of [
      ['--store', store],
      ['--store', store, '--json'],
    ]) {
      const { code, stdout } = await exportTo(bag, from);
      assert.equal(code, 1);
      assert.deepEqual(checkBag(bag).episodes, ['lab-1/a', 'lab-2/b']);
      assert.deepEqual(valuesOf(checkBag(bag).info, 'Cis490-Left-Out'), ['3']);
      if (from.length === 2) {
        assert.match(
          stdout,
          /^left out {2}lab-1\/c {2}changed: its SHA-256 is .* next: on the receiver: cis490 index verify$/m,
        );
        assert.match(stdout, /^left out {2}lab-2\/d {2}missing: /m);
        assert.match(stdout, /^left out {2}\.\.\/\.\.\/a {2}bad-row: /m);
        assert.match(stdout, /^2 episodes, .*, 2 of them new, 3 left out: incomplete$/m);
        continue;
      }
      const told = JSON.parse(stdout);
      assert.deepEqual([told.status, told.episodes, told.added, told.left_out.length], ['incomplete', 2, 0, 3]);
    }
    writeFileSync(file, good);
    const mended = await runHere(store, bag);
    assert.match(mended.printed, /^3 episodes, .*, 1 of them new, 2 left out: incomplete$/m);
    assert.deepEqual(checkBag(bag).episodes, ['lab-1/a', 'lab-2/b', 'lab-1/c']);
  });

  test('over HTTP it is the same', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    await makeStore(fleet.store);
    const file = join(fleet.store, 'episodes/lab-1/c.tar.zst');
    chmodSync(file, 0o644);
    writeFileSync(file, Buffer.alloc(statSync(file).size));
    rmSync(join(fleet.store, 'episodes/lab-2/d.tar.zst'));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const bag = join(fleet.root, 'bag');
    const { code, printed } = await runHere(fleet.url, bag);
    assert.equal(code, 1);
    assert.match(printed, /^left out {2}lab-1\/c {2}changed: /m);
    assert.match(printed, /^left out {2}lab-2\/d {2}missing: /m);
    assert.deepEqual(checkBag(bag).episodes, ['lab-1/a', 'lab-2/b']);
  });

  test('in the bag: sha256sum finds it, --verify fetches it anew', async (t) => {
    const { root, store } = await storeAt(t);
    const bag = join(root, 'bag');
    assert.equal((await runHere(store, bag)).code, 0);
    const file = join(bag, 'data/episodes/lab-2/b.tar.zst');
    const { atime, mtime, size } = statSync(file);
    chmodSync(file, 0o644);
    writeFileSync(file, Buffer.alloc(size));
    utimesSync(file, atime, mtime);
    assert.throws(() => checkBag(bag));
    const { code, stdout } = await exportTo(bag, ['--store', store, '--verify']);
    assert.equal(code, 0);
    assert.match(stdout, /^replaced {2}lab-2\/b {2}what the bag had of it was damaged$/m);
    checkBag(bag);
  });
});

describe('refused, and nothing is changed', () => {
  test('another selection, with the cure', async (t) => {
    const { root, store } = await storeAt(t);
    const bag = join(root, 'bag');
    const selection = { ...ALL, hosts: ['lab-1'] };
    assert.equal((await runHere(store, bag, { selection })).code, 0);
    const before = snapshot(bag);
    for (const words of [{ hosts: [] }, { hosts: ['lab-1', 'lab-2'] }, { since: '2026-05-01' }]) {
      await assert.rejects(runHere(store, bag, { selection: { ...selection, ...words } }), { code: 'bad-input' });
    }
    const { code, stderr } = await exportTo(bag, ['--store', store, '--host', 'lab-2']);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /is a bag of --host lab-1, and not of .*\n.*cis490 export --out \S+ --host lab-1; or name a new directory/,
    );
    assert.deepEqual(snapshot(bag), before);
    assert.equal((await runHere(store, bag, { selection })).code, 0);
  });

  test('a bag of another store, and a file that is none of ours', async (t) => {
    const { root, store } = await storeAt(t);
    const other = join(root, 'other');
    addRow(other, await storeFile(other, 'lab-5', 'x'));
    const bag = join(root, 'bag');
    assert.equal((await runHere(other, bag)).code, 0);
    const unknown = { code: 'bad-input', message: /holds lab-5\/x: .*store does not know it/ };
    await assert.rejects(runHere(store, bag), unknown);
    assert.deepEqual(checkBag(bag).episodes, ['lab-5/x']);
    writeFileSync(join(bag, 'data/notes.txt'), 'mine');
    const mine = { code: 'bad-input', message: /holds data\/notes.txt: no export has put it there/ };
    await assert.rejects(runHere(other, bag), mine);
  });

  test('bad usage', async (t) => {
    const { root, store } = await storeAt(t);
    const bag = join(root, 'bag');
    mkdirSync(join(root, 'empty'));
    for (const [args, said] of [
      [['--store', join(root, 'nothing')], /there is no store .*nothing\n.*--store DIR/],
      [['--store', store, '--receiver', 'http://127.0.0.1:9'], /name two sources/],
      [['--store', store, '--host', '..'], /--host \.\. is no host_id/],
      [['--store', store, '--jobs', '0'], /must be 1 to 64/],
      [['--receiver', 'receiver:8490'], /must be an http or https URL/],
      [['--receiver', 'http://127.0.0.1:9', '--token-file', '/nothing'], /token file/],
      [['--config', join(root, 'nothing.toml')], /nothing\.toml/],
    ] as [string[], RegExp][]) {
      const { code, stderr } = await exportTo(bag, args);
      assert.match(stderr, said);
      assert.equal(code, 2, args.join(' '));
      assert.ok(!existsSync(bag), args.join(' '));
    }
    for (const [from, out, message] of [
      [store, join(store, 'bag'), /lie one in the other/],
      [store, store, /lie one in the other/],
      [store, root, /lie one in the other/],
      [store, join(root, 'no/where'), /is no directory|there is no directory/],
      [join(root, 'empty'), bag, /no store with an episode in it/],
    ] as [string, string, RegExp][]) {
      await assert.rejects(runHere(from, out), { code: 'bad-input', message });
    }
    assert.ok(!existsSync(bag));
  });
});

test('a full disk: told at once, or where it fills; with room again the same command goes on', async (t) => {
  const { root, store } = await storeAt(t);
  const disk = SmallDisk.mount(t, join(root, 'disk'), '4m');
  if (!disk) return;
  const bag = join(disk.path, 'bag');
  disk.fillUpTo(400_000);
  const early = await exportTo(bag, ['--store', store]);
  assert.equal(early.code, 1);
  assert.match(
    early.stderr,
    /has room for .*, and .* are to come\n.*make room, then go on with the same command: df -h/,
  );

  disk.removeFiller();
  // Between the look at the room and the last byte.
  const filled = await runHere(store, bag, {
    afterStep: (step) => {
      if (step === 'partial-opened') disk.fillUpTo(200_000);
    },
  }).catch((error) => error);
  assert.equal(filled.code, 'disk-full');
  assert.match(filled.hint, /go on with the same command/);
  assert.ok(!existsSync(join(bag, 'manifest-sha256.txt')));
  disk.removeFiller();
  const again = await exportTo(bag, ['--store', store]);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(checkBag(bag).episodes.length, 4);
});

test('a receiver that is killed in the middle of an episode, and started again: nobody notices', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  mkdirSync(fleet.store, { recursive: true });
  for (const id of ['a', 'b']) addRow(fleet.store, await storeFile(fleet.store, 'lab-1', id, randomBytes(16 * MIB)));
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const bag = join(fleet.root, 'bag');
  let pieces = 0;
  let restarted: Promise<void> | undefined;
  const afterStep = (step: string) => {
    if (step !== 'partial-written') return;
    pieces += 1;
    if (pieces !== 3) return;
    receiver.signal('SIGKILL');
    restarted = receiver.ended.then(async () => {
      receiver = await fleet.startReceiver();
    });
  };
  assert.equal((await runHere(fleet.url, bag, { afterStep })).code, 0);
  await restarted;
  assert.ok(restarted, 'it was killed');
  assert.deepEqual(checkBag(bag).episodes, ['lab-1/a', 'lab-1/b']);
});

test('interrupted by Ctrl-C, it goes on with the same command', async (t) => {
  const { root, store } = await storeAt(t);
  const bag = join(root, 'bag');
  const stop = new AbortController();
  const afterStep = (step: string) => step === 'partial-written' && stop.abort();
  await assert.rejects(runHere(store, bag, { afterStep, stop: stop.signal }), {
    code: 'interrupted',
    message: /go on with the same command/,
  });
  assert.ok(!existsSync(join(bag, 'manifest-sha256.txt')));
  assert.equal((await runHere(store, bag)).code, 0);
  assert.equal(checkBag(bag).episodes.length, 4);
});

test('retracted while it is being exported: left out, and no damage', async (t) => {
  for (const isOverHttp of [false, true]) {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    for (const id of ['a', 'b', 'c']) await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, id);
    const bag = join(fleet.root, 'bag');
    // Between the list and the bytes; by another process, which the step waits for.
    const afterStep = (step: string) => {
      if (step !== 'episodes-listed') return;
      execFileSync('curl', ['-sfX', 'DELETE', `${fleet.url}/v1/episodes/lab-1/b.tar.zst?reason=r`]);
    };
    const { code, printed } = await runHere(isOverHttp ? fleet.url : fleet.store, bag, { afterStep });
    assert.equal(code, 0);
    assert.match(printed, /^2 episodes, .*, 2 of them new: whole$/m);
    assert.deepEqual(checkBag(bag).episodes, ['lab-1/a', 'lab-1/c']);
  }
});

test('credentials and TLS: by option or environment; what is missing is told with its cure', async (t) => {
  const root = temporaryDirectory(t);
  const authority = TestAuthority.create(join(root, 'ca'));
  const { certFile, keyFile } = authority.issueForServer({ san: 'DNS:localhost' });
  chmodSync(keyFile, 0o600);
  const tls = `[listen.tls]\ncert_file = "${certFile}"\nkey_file = "${keyFile}"\n`;
  const fleet = await TestFleet.create(root, `[auth]\nfleet_token_sha256 = "${sha256('x')}"\n${tls}`);
  await makeStore(fleet.store);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const create = Program.cis490(['token', 'create', '--role', 'reader', '--config', fleet.receiverConfig]);
  await create.ended;
  const [token, fleetToken] = [join(root, 'reader.token'), join(root, 'fleet.token')];
  writeFileSync(token, create.stdout, { mode: 0o600 });
  writeFileSync(fleetToken, 'x', { mode: 0o600 });
  const url = `https://localhost:${fleet.port}`;
  const bag = join(root, 'bag');
  const trusted = ['--receiver', url, '--ca-file', authority.certFile];
  for (const [args, environment, said] of [
    [trusted, {}, /wants a credential.*\n.*cis490 token create --role reader/],
    [[...trusted, '--token-file', fleetToken], {}, /does not allow it.*\n.*cis490 token create --role reader/],
    [['--receiver', url, '--token-file', token], {}, /is not trusted.*\n.*--ca-file/],
    [
      ['--receiver', `http://localhost:${fleet.port}`, '--token-file', token],
      {},
      /ended|socket hang up|is no receiver|does not answer/,
    ],
    [['--receiver', 'http://127.0.0.1:9'], {}, /does not answer.*\n.*systemctl status cis490-receiver/],
  ] as [string[], NodeJS.ProcessEnv, RegExp][]) {
    const { code, stderr } = await exportTo(bag, args, environment);
    assert.match(stderr, said);
    assert.equal(code, 1, args.join(' '));
    assert.doesNotMatch(stderr, new RegExp(create.stdout.trim()));
  }
  const byEnvironment = { CIS490_RECEIVER_URL: url, CIS490_TOKEN_FILE: token, CIS490_CA_FILE: authority.certFile };
  const { code, stderr } = await exportTo(bag, [], byEnvironment);
  assert.equal(code, 0, stderr);
  assert.equal(checkBag(bag).episodes.length, 4);
});
