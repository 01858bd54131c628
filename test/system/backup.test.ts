// docs/backup.md, its commands as they stand there: a backup beside a receiver at work, the store lost, put back from the backup, and made whole
// again by the hosts.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { publishEpisode, sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, type Published, readRows } from '../support/nothing-lost.ts';
import { eventually, PROJECT_ROOT, Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { addRow, addTombstone, storeFile } from '../support/stored-episodes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const PAGE = readFileSync(join(PROJECT_ROOT, 'docs/backup.md'), 'utf8');

/** The commands under a heading, a block each. */
function blocksOf(heading: string, language = 'sh'): string[] {
  const start = PAGE.indexOf(`\n${heading}\n`);
  assert.notEqual(start, -1, heading);
  const end = PAGE.indexOf('\n#', start + 1 + heading.length);
  const section = PAGE.slice(start, end < 0 ? undefined : end);
  return [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, found, text = '']) =>
    found === language ? [text] : [],
  );
}

/** A machine in a directory: the page's paths lead there, and what only a real one has (sudo, systemd, its user) does nothing. */
class Machine {
  readonly root: string;
  readonly fleet: TestFleet;

  private constructor(fleet: TestFleet) {
    this.fleet = fleet;
    this.root = fleet.root;
    const bin = join(this.root, 'bin');
    mkdirSync(bin);
    const programs = {
      sudo: 'exec "$@"',
      systemctl: 'exit 0',
      cis490: `exec ${join(PROJECT_ROOT, 'bin/cis490')} "$@"`,
    };
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    mkdirSync(join(this.root, 'mnt'));
  }

  static async create(t: TestContext): Promise<Machine> {
    const root = temporaryDirectory(t);
    mkdirSync(join(root, 'etc/cis490'), { recursive: true });
    mkdirSync(join(root, 'etc/systemd/system'), { recursive: true });
    const [stamp = ''] = blocksOf('## Once', 'toml');
    const keys = `${stamp}root = "${root}/store"\nmin_free = "1 MiB"\n`.replaceAll('/mnt/', `${root}/mnt/`);
    const fleet = await TestFleet.create(root, keys);
    writeFileSync(join(root, 'etc/cis490/receiver.toml'), readFileSync(fleet.receiverConfig));
    return new Machine(fleet);
  }

  get backup(): string {
    return join(this.root, 'mnt/backup/cis490');
  }

  /** As a person pastes them. `instead`: what the page leaves to them. */
  async run(block: string, instead: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
    const words: Record<string, string> = {
      '/var/lib/cis490': this.fleet.store,
      '/mnt/backup': join(this.root, 'mnt/backup'),
      '/etc/systemd': join(this.root, 'etc/systemd'),
      '-C /etc': `-C ${join(this.root, 'etc')}`,
      '/root/': `${this.root}/`,
      '-o cis490 -g cis490 ': '',
      'cis490:cis490': `${process.getuid?.()}:${process.getgid?.()}`,
      ...instead,
    };
    const commands = Object.entries(words).reduce((text, [from, to]) => text.replaceAll(from, to), block);
    const shell = spawn('sh', ['-eu', '-c', commands], {
      env: {
        ...process.env,
        PATH: `${this.root}/bin:${process.env['PATH']}`,
        CIS490_CONFIG: this.fleet.receiverConfig,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const [code] = await once(shell, 'close');
    return { code, output };
  }

  /** Throws unless it exits 0. */
  async must(block: string | undefined, instead: Record<string, string> = {}): Promise<string> {
    assert.ok(block, 'the page has such a block');
    const { code, output } = await this.run(block, instead);
    assert.equal(code, 0, `${block}\n${output}`);
    return output;
  }

  /** The backup's directories, and one backup. */
  async backUp(): Promise<string> {
    await this.must(blocksOf('## Once')[0]);
    return await this.must(blocksOf('## Each time')[0]);
  }
}

/** Episodes that come as long as nobody stops them. */
class Recorder {
  readonly published: Published[] = [];
  readonly #host: TestHost;

  constructor(host: TestHost) {
    this.#host = host;
  }

  record(count: number): void {
    const host = this.#host;
    for (const last = this.published.length + count; this.published.length < last; ) {
      const episodeId = `e-${this.published.length}`;
      const files = { data: `${host.hostId} ${episodeId}`.repeat(1_000) };
      const manifest = publishEpisode(host.data, host.hostId, { episodeId, commit: GOOD_COMMIT, files });
      this.published.push({ host, episodeId, manifest });
    }
  }
}

test('the store is lost, put back from a backup that was made at work, and whole again by the hosts', async (t) => {
  const machine = await Machine.create(t);
  const { fleet } = machine;
  const stored = async (count: number) =>
    await eventually(() => readRows(fleet.store).length === count, `${count} are stored`);
  const first = await fleet.startReceiver();
  t.after(() => first.kill());
  const recorder = new Recorder(fleet.addHost('lab-1'));
  const shipper = fleet.startShipper(fleet.addHost('lab-1'));
  t.after(() => shipper.kill());

  recorder.record(5);
  await stored(5);
  await machine.must(`cis490 gate block ${STALE_COMMIT} --why "wrong unit"`);
  recorder.record(20);
  assert.match(await machine.backUp(), /^\d+ episodes, .* of them new: whole$/m);
  recorder.record(5);
  await stored(30);
  // The second adds what came, and nothing else.
  const [, copied] = /, (\d+) of them new: whole/.exec(await machine.backUp()) ?? [];
  assert.ok(Number(copied) >= 5 && Number(copied) <= 25, String(copied));
  assert.match(await machine.must(blocksOf('## Is the backup itself whole?')[0]), /30 episodes, .* whole/);
  const doctor = await machine.run('cis490 doctor --role receiver --json');
  const { checks } = JSON.parse(doctor.output.slice(doctor.output.indexOf('{'))) as {
    checks: { id: string; status: string }[];
  };
  assert.equal(checks.find(({ id }) => id === 'backup-age')?.status, 'green');

  await machine.must(blocksOf('## Each time')[1]);
  assert.ok(existsSync(join(machine.root, 'etc/systemd/system/cis490-backup.timer')));

  recorder.record(10);
  await stored(40);
  await first.kill();
  rmSync(fleet.store, { recursive: true });
  rmSync(join(machine.root, 'etc/cis490'), { recursive: true });
  // While nobody receives, recording goes on.
  recorder.record(5);
  const [, putBack = ''] = blocksOf('## Put it back');
  // What the doctor says of units and of what the test's machine has none of is not asked here.
  const restored = await machine.must(putBack, { 'cis490 doctor --role receiver': 'true' });
  assert.match(restored, /30 episodes, .* verified: whole/);
  assert.ok(existsSync(join(machine.root, 'etc/cis490/receiver.toml')));
  assert.equal(existsSync(join(fleet.store, 'state.db')), false);
  const second = await fleet.startReceiver();
  t.after(() => second.kill());
  assert.match(await machine.must('cis490 gate status'), new RegExp(STALE_COMMIT));

  const [last = '', reship] = blocksOf('### What came after the backup');
  const lastAt = Date.parse(JSON.parse(await machine.must(last)).received_at_wall);
  const since = new Date(lastAt - 3_600_000).toISOString();
  await machine.must(reship, {
    '2026-05-01T05:00:00Z': since,
    'cis490 reship': `cis490 reship --config ${fleet.root}/lab-1.toml`,
  });
  await stored(45);
  await eventually(
    () => recorder.published.every(({ host, episodeId }) => existsSync(join(host.data, 'shipped', episodeId))),
    'all are retired again',
  );
  await shipper.stop();
  await second.stop();
  assert.deepEqual((await checkNothingLost(fleet.store, recorder.published, true)).faults, []);
  assert.match(await machine.must('cis490 index verify'), /45 episodes, .* whole/);
});

test('from the old disk: files get their rows, after what the hosts sent, and what was retracted stays so', async (t) => {
  const machine = await Machine.create(t);
  const { fleet } = machine;
  for (const id of ['a', 'b', 'taken-back']) addRow(fleet.store, await storeFile(fleet.store, 'lab-1', id));
  addTombstone(fleet.store, 'lab-1', 'taken-back');
  rmSync(join(fleet.store, 'episodes/lab-1/taken-back.tar.zst'));
  await machine.backUp();
  const after = await storeFile(fleet.store, 'lab-1', 'after');
  addRow(fleet.store, after);
  const [aside, putBack] = blocksOf('## Put it back');
  await machine.must(aside);
  await machine.must(putBack, { 'cis490 doctor --role receiver': 'true' });
  await machine.must(blocksOf('### What came after the backup')[2]);
  assert.deepEqual(
    readRows(fleet.store).map(({ episode_id, gate }) => [episode_id, gate]),
    [
      ['a', undefined],
      ['b', undefined],
      ['taken-back', undefined],
      ['taken-back', undefined],
      ['after', 'recovered'],
    ],
  );
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/after.tar.zst', after.bytes)).json['status'], 'duplicate');
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/taken-back.tar.zst', 'x')).json['code'], 'retracted');
  const look = await send(fleet.port, '/v1/episodes/lab-1/a.tar.zst');
  assert.equal(look.status, 200);
});

test('ended by SIGKILL in the middle it goes on; the stamp comes at the end alone', async (t) => {
  const machine = await Machine.create(t);
  const { fleet } = machine;
  await machine.must(blocksOf('## Once')[0]);
  for (const id of ['a', 'b', 'c']) addRow(fleet.store, await storeFile(fleet.store, 'lab-1', id));
  const large = await storeFile(
    fleet.store,
    'lab-1',
    'large',
    Buffer.alloc(3 * 1024 * 1024, 'x').map((_, at) => (at * 7919) >> 5),
  );
  addRow(fleet.store, large);
  const args = ['backup', join(machine.backup, 'store'), '--config', fleet.receiverConfig];
  const slow = Program.cis490([...args, '--rate', '1 KiB/s']);
  t.after(() => slow.kill());
  await eventually(
    () => existsSync(join(machine.backup, 'store/episodes/lab-1/c.tar.zst')),
    'the small ones are there',
  );
  const second = Program.cis490(args);
  assert.equal((await second.ended).code, 1);
  assert.match(second.stderr, /another backup already works on/);
  await slow.kill();
  assert.equal(existsSync(join(machine.backup, 'last-backup')), false);
  // Cut in the middle of a row.
  appendFileSync(join(fleet.store, 'index.jsonl'), '{"host_id":"lab-1","epi');
  assert.match(await machine.must(blocksOf('## Each time')[0]), /^4 episodes, .*, 1 of them new: whole$/m);
  assert.ok(existsSync(join(machine.backup, 'last-backup')));
  const copy = readFileSync(join(machine.backup, 'store/episodes/lab-1/large.tar.zst'));
  assert.equal(sha256(copy), sha256(large.bytes));
  assert.equal(statSync(join(machine.backup, 'store')).mode & 0o077, 0);
});

test('a damaged episode is told with its cure, is not copied over the good one, and no stamp is left', async (t) => {
  const machine = await Machine.create(t);
  const { fleet } = machine;
  const good = await storeFile(fleet.store, 'lab-1', 'good');
  addRow(fleet.store, good);
  await machine.backUp();
  rmSync(join(machine.backup, 'last-backup'));
  const [flipped, missing] = [
    await storeFile(fleet.store, 'lab-1', 'flipped'),
    await storeFile(fleet.store, 'lab-1', 'gone'),
  ];
  for (const one of [flipped, missing]) addRow(fleet.store, one);
  for (const { path, bytes } of [good, flipped]) {
    chmodSync(path, 0o644);
    writeFileSync(path, Buffer.alloc(bytes.length));
  }
  rmSync(missing.path);
  const { code, output } = await machine.run(blocksOf('## Each time')[0] ?? '');
  assert.equal(code, 1, output);
  assert.match(output, /^changed +episodes\/lab-1\/flipped.*next: mv .*reship --id flipped/m);
  assert.match(output, /^missing +episodes\/lab-1\/gone.*next: on lab-1: cis490 reship --id gone/m);
  assert.match(output, /^1 episode, .*, 0 of them new: damaged$/m);
  assert.equal(existsSync(join(machine.backup, 'last-backup')), false);
  const kept = readFileSync(join(machine.backup, 'store/episodes/lab-1/good.tar.zst'));
  assert.equal(sha256(kept), sha256(good.bytes));
  const forPrograms = await machine.run('sudo cis490 backup /mnt/backup/cis490/store --json 2>/dev/null');
  const { problems, ...told } = JSON.parse(forPrograms.output);
  assert.deepEqual(told, {
    ...{
      status: 'damaged',
      directory: join(machine.backup, 'store'),
      episodes: 1,
      bytes: good.bytes.length,
      copied: 0,
    },
  });
  assert.deepEqual(
    problems.map(({ kind, host_id, episode_id }: Record<string, string>) => `${kind} ${host_id}/${episode_id}`).sort(),
    ['changed lab-1/flipped', 'missing lab-1/gone'],
  );
  assert.equal(forPrograms.code, 1);
});

const REFUSED: [what: string, change: (machine: Machine) => void, message: RegExp][] = [
  [
    'a store that lost its ledger and began anew',
    ({ fleet }) => {
      for (const name of ['index.jsonl', 'control.db']) writeFileSync(join(fleet.store, name), '');
    },
    /holds rows with which .* does not begin/,
  ],
  ['a store without a ledger', ({ fleet }) => rmSync(join(fleet.store, 'index.jsonl')), /there is no .*index\.jsonl/],
  [
    'a damaged database',
    ({ fleet }) => writeFileSync(join(fleet.store, 'control.db'), Buffer.alloc(8192, 'no database')),
    /control\.db is damaged/,
  ],
  ['a directory that others may read', ({ backup }) => chmodSync(join(backup, 'store'), 0o755), /chmod 700/],
  [
    'a disk that is not mounted',
    ({ backup }) => rmSync(join(backup, 'store'), { recursive: true }),
    /is its disk mounted\?/,
  ],
];

for (const [what, change, message] of REFUSED) {
  test(`refused, and what was saved stays: ${what}`, async (t) => {
    const machine = await Machine.create(t);
    const { fleet } = machine;
    addRow(fleet.store, await storeFile(fleet.store, 'lab-1', 'a'));
    await machine.must(`cis490 gate block ${STALE_COMMIT} --why "wrong unit"`);
    await machine.backUp();
    change(machine);
    const { code, output } = await machine.run('cis490 backup /mnt/backup/cis490/store');
    assert.notEqual(code, 0);
    assert.match(output, message);
    if (!existsSync(join(machine.backup, 'store'))) return;
    assert.equal(readRows(join(machine.backup, 'store')).length, 1);
    const saved = new DatabaseSync(join(machine.backup, 'store/control.db'));
    t.after(() => saved.close());
    assert.deepEqual({ ...saved.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
    assert.match(JSON.stringify(saved.prepare('SELECT * FROM gate_overrides').all()), new RegExp(STALE_COMMIT));
  });
}
