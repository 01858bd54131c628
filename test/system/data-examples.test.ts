// docs/data.md: every block of it as it stands there, run against a real store with real telemetry, and what it prints looked at.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { checkBag } from '../support/bag.ts';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import { eventually, PROJECT_ROOT, Program } from '../support/program.ts';
import { send } from '../support/put.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

const PAGE = readFileSync(join(PROJECT_ROOT, 'docs/data.md'), 'utf8');
const DUCKDB = '@duckdb/node-api@1.5.6-r.1';
const AUTH = `[auth]\nfleet_token_sha256 = "${sha256('the-fleet-token')}"\n`;

/** The blocks under a heading, in order. */
function blocksOf(heading: string, language: string): string[] {
  const [, section] = PAGE.split(`\n## ${heading}\n`);
  assert.ok(section, heading);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].flatMap(([, found, text = '']) =>
    found === language ? [text] : [],
  );
}

let run = 0;
let fleet: TestFleet;
let receiver: Program;
let admin: Record<string, string>;

const home = () => join(fleet.root, 'home');
const data = () => join(fleet.root, 'mnt/data');

function asHere(block: string): string {
  const here: Record<string, string> = {
    'https://receiver.example:8490': fleet.url,
    '/mnt/data': data(),
    '/var/lib/cis490': fleet.store,
    // The page has a month of its own.
    '2026-06-01': '2100-01-01',
    'sleep 5': 'sleep 0.1',
  };
  return Object.entries(here).reduce((text, [from, to]) => text.replaceAll(from, to), block);
}

function start(command: string, args: string[], cwd: string) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, HOME: home(), PATH: `${home()}/bin:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const printed = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed.output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed.errors += text;
  });
  return { child, printed, ended: once(child, 'close') };
}

/** What it prints. Throws unless it exits 0. */
async function must(command: string, args: string[], cwd: string): Promise<string> {
  const { printed, ended } = start(command, args, cwd);
  const [code] = await ended;
  assert.equal(code, 0, `${args.join(' ')}\n${printed.output}${printed.errors}`);
  return printed.output;
}

async function shell(block: string | undefined, cwd = home()): Promise<string> {
  assert.ok(block, 'the page has such a block');
  return await must('sh', ['-eu', '-c', asHere(block)], cwd);
}

async function cis490(...args: string[]): Promise<string> {
  const program = Program.cis490(args);
  assert.equal((await program.ended).code, 0, program.stderr);
  return program.stdout;
}

/** What each episode's telemetry.csv holds: a machine that is busy leaves samples out, so this is known only afterwards. */
const sampled = new Map<string, { samples: number; spanS: number }>();

function look(directory: string): { samples: number; spanS: number } {
  const [header = '', ...rows] = readFileSync(join(directory, 'telemetry.csv'), 'utf8').trimEnd().split('\n');
  const column = header.split(',').indexOf('time_monotonic_s');
  const times = rows.map((row) => Number(row.split(',')[column]));
  return { samples: rows.length, spanS: (times.at(-1) ?? Number.NaN) - (times[0] ?? Number.NaN) };
}

/** Half a second of this machine, by the real workload. */
async function record(host: TestHost): Promise<void> {
  run += 1;
  const directory = join(fleet.root, `telemetry-${run}`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'meta.json'), JSON.stringify({ workload: 'telemetry' }));
  await cis490('telemetry', '--duration', '0.4', '--rate', '10', '--output', directory);
  sampled.set(basename(directory), look(directory));
  await cis490('publish', directory, '--commit', GOOD_COMMIT, '--config', host.config);
}

async function recordAndShip(host: TestHost): Promise<void> {
  await record(host);
  await cis490('shipper', '--once', '--config', host.config);
}

/** An episode that has no telemetry. */
async function publishOther(host: TestHost): Promise<void> {
  const directory = join(fleet.root, 'camera-1');
  mkdirSync(directory);
  writeFileSync(join(directory, 'frames.bin'), 'x');
  await cis490('publish', directory, '--commit', GOOD_COMMIT, '--config', host.config);
}

before(async () => {
  const root = makeDirectory();
  fleet = await TestFleet.create(root, AUTH);
  const token = join(root, 'fleet.token');
  writeFileSync(token, 'the-fleet-token', { mode: 0o600 });
  for (const directory of [join(home(), 'bin'), data()]) mkdirSync(directory, { recursive: true });
  const launcher = `#!/bin/sh\nexec ${join(PROJECT_ROOT, 'bin/cis490')} "$@"\n`;
  writeFileSync(join(home(), 'bin/cis490'), launcher, { mode: 0o755 });
  receiver = await fleet.startReceiver();
  const reader = await cis490('token', 'create', '--role', 'reader', '--config', fleet.receiverConfig);
  writeFileSync(join(home(), 'cis490-reader.token'), reader, { mode: 0o600 });
  const adminToken = await cis490('token', 'create', '--role', 'admin', '--config', fleet.receiverConfig);
  admin = { Authorization: `Bearer ${adminToken.trim()}` };
  for (const hostId of ['lab-07', 'lab-08']) {
    const host = addHost(hostId);
    await record(host);
    await record(host);
    if (hostId === 'lab-08') await publishOther(host);
    await cis490('shipper', '--once', '--config', host.config);
  }
  await retract('lab-08', readRows(fleet.store).find(({ host_id }) => host_id === 'lab-08')?.episode_id ?? '');
});

after(async () => {
  await receiver.kill();
});

/** With the credential that its shipper needs. */
function addHost(hostId: string): TestHost {
  const host = fleet.addHost(hostId);
  const token = `url = "${fleet.url}"\nbearer_token_file = "${fleet.root}/fleet.token"`;
  writeFileSync(host.config, readFileSync(host.config, 'utf8').replace(`url = "${fleet.url}"`, token));
  return host;
}

async function retract(hostId: string, episodeId: string): Promise<void> {
  const target = `/v1/episodes/${hostId}/${episodeId}.tar.zst?reason=r`;
  assert.equal((await send(fleet.port, target, { method: 'DELETE', headers: admin })).status, 200);
}

/** lab-07 twice with telemetry, lab-08 once with and once without. */
const STORED = 4;
const WITH_TELEMETRY = 3;

/** Of the episodes that the copy holds. */
function samplesStored(): number {
  return readRows(join(data(), 'all/data')).reduce(
    (sum, { episode_id }) => sum + (sampled.get(String(episode_id))?.samples ?? 0),
    0,
  );
}

test('get a copy, and check it', async () => {
  const [all = '', may, offline] = blocksOf('Get a copy', 'sh');
  assert.match(await shell(all), new RegExp(`^${STORED} episodes, .*: whole$`, 'm'));
  assert.match(await shell(`${all.split('\n')[0]}\n${may}`), new RegExp(`^${STORED} episodes, .*: whole$`, 'm'));
  assert.match(await shell(offline), new RegExp(`^${STORED} episodes, .*: whole$`, 'm'));
  assert.equal(await shell(blocksOf('Is it whole?', 'sh')[0]), '');
  const { content } = checkBag(join(data(), 'all'));
  assert.deepEqual(checkBag(join(data(), 'offline')).content, content);
  for (const path of ['data/index.jsonl', 'bag-info.txt']) assert.ok(PAGE.includes(path));
});

describe('read it', () => {
  const here = () => join(data(), 'all/data');

  test('in a plain shell', async () => {
    const [there, byHost, inside, unpack, busy] = blocksOf('Plain shell', 'sh');
    await shell(there);
    const rows = readRows(here());
    const bytesOf = (host: string) =>
      rows.reduce((sum, { host_id, bytes }) => sum + (host_id === host ? Number(bytes) : 0), 0);
    assert.deepEqual((await shell(byHost, here())).trimEnd().split('\n'), [
      `lab-07 2 episodes ${(bytesOf('lab-07') / 1e9).toFixed(6)} GB`,
      `lab-08 2 episodes ${(bytesOf('lab-08') / 1e9).toFixed(6)} GB`,
    ]);
    assert.match(
      await shell(inside, here()),
      /^(\S+)\/meta\.json\n\1\/telemetry\.csv\ntime_wall,time_monotonic_s,.*\n2.*\n2.*\n$/,
    );
    for (let time = 0; time < 2; time += 1) {
      await shell(unpack, here());
      const unpacked = readdirSync(join(data(), 'telemetry'), { recursive: true, encoding: 'utf8' });
      assert.equal(unpacked.filter((name) => name.endsWith('.csv')).length, WITH_TELEMETRY);
      assert.ok(!unpacked.some((name) => name.endsWith('.new')));
    }
    const lines = (await shell(busy, here())).trimEnd().split('\n');
    assert.equal(lines.length, WITH_TELEMETRY);
    for (const line of lines) assert.match(line, /\/telemetry\/lab-0[78]\/\S+\.csv \d+\.\d{3} processors busy$/);
  });

  test('in pandas', async (t) => {
    if (!hasSystemPart(t, ['/usr/bin/python3', '-c', 'import pandas'], 'python3-pandas')) return;
    const program = blocksOf('pandas', 'python').join('\n');
    const output = await must('/usr/bin/python3', ['-c', asHere(program)], here());
    assert.match(output, /^host_id +\n?lab-07 +2 +\d+\nlab-08 +2 +\d+$/m);
    const samples = `${samplesStored()} samples of ${WITH_TELEMETRY} episodes`;
    assert.ok(output.includes(samples), output);
    const joined = output.slice(output.indexOf(samples)).trimEnd().split('\n').slice(1);
    assert.match(
      joined[0] ?? '',
      /host_id +episode_id +time_monotonic_s .* received_bytes_per_s +received_at_wall +bytes/,
    );
    assert.equal(joined.length, 1 + WITH_TELEMETRY);
    for (const line of joined.slice(1)) {
      const [host, episode = '', span] = line.trim().split(/ +/);
      assert.match(host ?? '', /^lab-0[78]$/);
      const recorded = sampled.get(episode);
      assert.ok(recorded && Math.abs(Number(span) - recorded.spanS) < 1e-5, `${line}: ${recorded?.spanS} s`);
    }
  });
});

type Rows = Record<string, unknown>[];

/** DuckDB by npm, in a directory of its own: 70 MB that nothing else here needs. Undefined where the registry has it not. */
async function openDuckDb(t: TestContext): Promise<((sql: string) => Promise<Rows>) | undefined> {
  const directory = join(fleet.root, 'duckdb');
  mkdirSync(directory);
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', directory, DUCKDB];
  const { printed, ended } = start('npm', args, directory);
  const [code] = await ended;
  if (code !== 0) {
    t.skip(`npm has no ${DUCKDB} here: ${printed.errors.trim().split('\n').at(-1)}`);
    return undefined;
  }
  const { DuckDBInstance } = createRequire(join(directory, 'index.js'))('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  t.after(() => connection.closeSync());
  return async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJS();
}

test('in DuckDB', async (t) => {
  const query = await openDuckDb(t);
  if (!query) return;
  const [episodes = '', byHost = '', stored = '', samples = '', joined = '', parquet = ''] = blocksOf(
    'DuckDB',
    'sql',
  ).map(asHere);
  await query(`SET file_search_path = '${join(data(), 'all/data')}'`);
  await query(episodes);
  const hosts = await query(byHost);
  assert.deepEqual(
    hosts.map(({ host_id, episodes: count }) => [host_id, Number(count)]),
    [
      ['lab-07', 2],
      ['lab-08', 2],
    ],
  );
  for (const { bytes, last_stored: at } of hosts) assert.ok(Number(bytes) > 0 && at instanceof Date);
  await query(samples);
  const found = await query(joined);
  assert.equal(found.length, WITH_TELEMETRY);
  const known = readRows(fleet.store).map(({ host_id, episode_id }) => `${host_id}/${episode_id}`);
  for (const { host_id, episode_id, commit, samples: count, received_bytes_per_s: rate } of found) {
    assert.ok(known.includes(`${host_id}/${episode_id}`));
    assert.deepEqual([commit, Number(count)], [GOOD_COMMIT, sampled.get(String(episode_id))?.samples]);
    assert.ok(Number(rate) >= 0);
  }
  await query(parquet);
  const [{ count } = {}] = await query(`SELECT count(*) AS count FROM '${data()}/telemetry.parquet'`);
  assert.equal(Number(count), samplesStored());

  await query('DROP VIEW samples; DROP VIEW episodes');
  await query(`SET file_search_path = '${fleet.store}'`);
  await query(episodes);
  const [{ stored: alive } = {}] = await query(stored);
  assert.equal(Number(alive), new Set(known).size - 1);
});

test('followed by the script of the page: what comes, what is retracted, and after a restart', async (t) => {
  const [curl] = blocksOf('As it comes: a pipeline', 'sh');
  const [script = ''] = blocksOf('As it comes: a pipeline', 'sh follow.sh');
  await shell(curl);
  const pipeline = join(fleet.root, 'pipeline');
  mkdirSync(pipeline);
  writeFileSync(join(pipeline, 'follow.sh'), asHere(script));
  const follower = () => start('sh', ['follow.sh'], pipeline);
  let { child, printed } = follower();
  const end = () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL');
  t.after(end);
  const names = () => (existsSync(join(pipeline, 'new')) ? readdirSync(join(pipeline, 'new')).sort() : []);
  const expected = () => {
    const rows = readRows(fleet.store);
    const gone = new Set(
      rows.filter((row) => 'retracted_at_wall' in row).map((row) => `${row.host_id}~${row.episode_id}`),
    );
    const stored = new Set(rows.map((row) => `${row.host_id}~${row.episode_id}`));
    return [...stored]
      .filter((name) => !gone.has(name))
      .map((name) => `${name}.tar.zst`)
      .sort();
  };
  const seqs = () => (existsSync(join(pipeline, 'seq')) ? Number(readFileSync(join(pipeline, 'seq'), 'utf8')) : 0);
  const caughtUp = () =>
    eventually(() => seqs() === Number(readRows(fleet.store).at(-1)?.seq), `all is worked on: ${printed.errors}`);

  await caughtUp();
  assert.equal(names().length, STORED);
  assert.deepEqual(names(), expected());
  const host = addHost('lab-09');
  await recordAndShip(host);
  await caughtUp();
  assert.deepEqual(names(), expected());
  const row = readRows(fleet.store).at(-1);
  await retract('lab-09', row?.episode_id ?? '');
  await caughtUp();
  assert.equal(names().length, STORED);

  await receiver.stop();
  receiver = await fleet.startReceiver();
  await recordAndShip(host);
  await caughtUp();
  assert.deepEqual(names(), expected());

  // The script itself is killed, and goes on behind what it has done.
  end();
  await recordAndShip(host);
  ({ child, printed } = follower());
  await caughtUp();
  assert.deepEqual(names(), expected());
  assert.equal(printed.output.trim().split('\n').length, 1, 'what was done is not done again');
  for (const name of names()) {
    const stored = join(fleet.store, 'episodes', name.replace('~', '/'));
    assert.equal(sha256(readFileSync(join(pipeline, 'new', name))), sha256(readFileSync(stored)));
  }
});
