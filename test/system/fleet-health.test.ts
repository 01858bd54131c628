// cis490 fleet-health: the real program on real files, beside a real receiver, killed, run twice at once, and on a full disk.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { FleetHealthStep } from '../../src/fleet-health/fleet-health-step.ts';
import { openControl } from '../../src/storage/open-storage.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { freePort, Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const NOON = '2026-05-01T12:00:00+00:00';
const ACCESS = (host: string, status: number) =>
  `INFO:     10.0.0.1:51234 - "PUT /v1/episodes/${host}/e.tar.zst HTTP/1.1" ${status} Why\n`;
// One of each of the first three.
const SICK = ['lab-1 silent', 'lab-2 fatal-only', 'lab-3 unstamped'];

interface Row {
  host: string;
  symptom: string;
  dedup_key: string;
}

class Place {
  readonly directory: string;
  readonly index: string;
  readonly alerts: string;
  readonly journal: string;

  constructor(directory: string) {
    this.directory = directory;
    this.index = join(directory, 'index.jsonl');
    this.alerts = join(directory, 'alerts.jsonl');
    this.journal = join(directory, 'journal.txt');
  }

  static sick(t: TestContext): Place {
    const place = new Place(temporaryDirectory(t));
    place.store('lab-1', '2026-05-01T11:00:00.000000+00:00');
    place.store('lab-4', '2026-05-01T11:59:00.000000+00:00');
    const unstamped = 'WARNING rejected episode host=lab-3 episode=e missing X-Cis490-Code-Commit\n';
    writeFileSync(place.journal, ACCESS('lab-2', 412).repeat(10) + unstamped.repeat(10));
    return place;
  }

  store(host: string, at: string): void {
    const row = { host_id: host, episode_id: 'e', received_at_wall: at, sha256: '0'.repeat(64), bytes: 1, path: 'p' };
    appendFileSync(this.index, `${JSON.stringify(row)}\n`);
  }

  /** Its arguments, at that time. */
  at(now: string, ...more: string[]): string[] {
    const paths = ['--index-path', this.index, '--alerts-path', this.alerts, '--journal-file', this.journal];
    return ['fleet-health', ...paths, '--now', now, ...more];
  }

  async run(now: string, ...more: string[]) {
    return await run(...this.at(now, ...more));
  }

  /** Lines that are rows. */
  rows(): Row[] {
    const lines = existsSync(this.alerts) ? readFileSync(this.alerts, 'utf8').split('\n') : [];
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  }
}

async function run(...args: string[]) {
  const program = Program.cis490(args);
  const { code, signal } = await program.ended;
  return { code, signal, stdout: program.stdout, stderr: program.stderr };
}

const named = (rows: readonly Row[]) => rows.map(({ host, symptom }) => `${host} ${symptom}`).sort();
const keys = (rows: readonly Row[]) => rows.map(({ dedup_key }) => dedup_key);

describe('on a ledger and a journal alone', () => {
  test('rows, one line each, and a last line; the same hour again says nothing, the next hour says it again', async (t) => {
    const place = Place.sick(t);
    const first = await place.run(NOON);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(named(place.rows()), SICK);
    assert.match(
      first.stderr,
      / WARNING ALERT host=lab-1 symptom=silent — nothing stored for 1 h 0 min, .*[^.]\. Suggested: ssh lab-1 .*\n/,
    );
    assert.match(first.stderr, new RegExp(` INFO fleet-health: 4 hosts checked, 3 new alerts in ${place.alerts}\n$`));

    const again = await place.run('2026-05-01T12:05:00+00:00');
    assert.match(again.stderr, / INFO fleet-health: 4 hosts checked, no new alerts\n$/);
    assert.equal(again.stderr.includes('ALERT'), false);
    await place.run('2026-05-01T13:00:00+00:00');
    assert.deepEqual(named(place.rows()), [...SICK, ...SICK, 'lab-4 silent'].sort());
    assert.equal(new Set(keys(place.rows())).size, 7);
  });

  test('--json is one document; --dry-run writes nothing at all', async (t) => {
    const place = Place.sick(t);
    const before = readdirSync(place.directory);
    const dry = await place.run(NOON, '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.equal(dry.stdout.match(/^ALERT host=lab-\d symptom=[a-z-]+ — .*\. Suggested: .*$/gm)?.length, 3);
    const json = JSON.parse((await place.run(NOON, '--dry-run', '--json')).stdout);
    assert.deepEqual(readdirSync(place.directory), before);
    assert.deepEqual(Object.keys(json), ['generated_at', 'hosts_checked', 'new_alerts', 'findings', 'skipped']);
    assert.equal(json.generated_at, '2026-05-01T12:00:00.000000+00:00');
    assert.deepEqual(named(json.new_alerts), SICK);

    const wet = JSON.parse((await place.run(NOON, '--json')).stdout);
    assert.deepEqual(wet, json);
    assert.deepEqual(place.rows(), json.new_alerts);
    const after = JSON.parse((await place.run(NOON, '--json')).stdout);
    assert.deepEqual(after.new_alerts, []);
    assert.deepEqual(after.findings, json.findings);
  });

  test('a ledger that is not there: what rests on the journal is told, and then exit 2 with the path', async (t) => {
    const place = Place.sick(t);
    const missing = join(place.directory, 'none.jsonl');
    const args = place.at(NOON).map((arg) => (arg === place.index ? missing : arg));
    const ended = await run(...args);
    assert.equal(ended.code, 2, ended.stderr);
    assert.deepEqual(named(place.rows()), SICK.slice(1));
    assert.match(
      ended.stderr,
      /WARNING skipped silent, never-seen, stale-code, fleet-silent: ledger could not be read/,
    );
    assert.match(ended.stderr, new RegExp(`\ncis490: .*${missing}.*\ncis490: .*ls -l`));
  });

  test('a journal that is not there: one warning names what is skipped, the rest is told, exit 0', async (t) => {
    const place = Place.sick(t);
    const ended = await place.run(NOON, '--journal-file', join(place.directory, 'none.txt'));
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(ended.stderr.match(/WARNING skipped fatal-only, unstamped: attempts could not be read/g)?.length, 1);
    assert.deepEqual(named(place.rows()), SICK.slice(0, 1));
  });

  for (const args of [
    ['--now', 'soon'],
    ['--fatal-ratio-threshold', '2'],
    ['--attempts', 'none'],
    ['--lookback-hours', 'x'],
  ]) {
    test(`${args.join(' ')} is bad usage`, async (t) => {
      assert.equal((await Place.sick(t).run(NOON, ...args)).code, 2);
    });
  }

  test('limits are options', async (t) => {
    const place = Place.sick(t);
    await place.run(NOON, '--silent-threshold-min', '60', '--fatal-min-count', '11');
    assert.deepEqual(place.rows(), [], 'exactly 60 min is not longer, and 10 are fewer');
    await place.run(NOON, '--silent-threshold-min', '0.5', '--lookback-hours', '0.5', '--attempts', 'journal');
    assert.deepEqual(named(place.rows()), ['lab-2 fatal-only', 'lab-3 unstamped', 'lab-4 silent']);
  });
});

describe('nothing is lost, and nothing written twice in its hour', () => {
  const AFTER_KILL: Record<FleetHealthStep, string[]> = {
    locked: [],
    observed: [],
    'rows-appended': SICK,
    'alerts-told': SICK,
    settled: SICK,
  };
  for (const [step, left] of Object.entries(AFTER_KILL)) {
    test(`killed after ${step}`, async (t) => {
      const place = Place.sick(t);
      const script = join(import.meta.dirname, '../support/killed-fleet-health.main.ts');
      const killed = await Program.script(script, [place.index, place.alerts, place.journal, NOON, step]).ended;
      assert.equal(killed.signal, 'SIGKILL');
      assert.deepEqual(named(place.rows()), left);
      const next = await place.run('2026-05-01T12:05:00+00:00');
      assert.equal(next.code, 0, next.stderr);
      assert.deepEqual(named(place.rows()), SICK);
    });
  }

  test('two runs at once', async (t) => {
    const place = Place.sick(t);
    const both = await Promise.all([place.run(NOON), place.run(NOON)]);
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
      both.map(({ stderr }) => stderr).join(),
    );
    assert.deepEqual(named(place.rows()), SICK);
    assert.equal(both.flatMap(({ stderr }) => stderr.match(/ALERT/g) ?? []).length, 3);
  });

  test('a torn line at the end of alerts.jsonl', async (t) => {
    const place = Place.sick(t);
    writeFileSync(place.alerts, '{"host":"lab-1","symptom":"silent","detected_at_w');
    assert.equal((await place.run(NOON)).code, 0);
    assert.deepEqual(named(place.rows()), SICK);
    assert.equal(readFileSync(place.alerts, 'utf8').split('\n').length, 5);
  });

  test('a clock that steps back and forth', async (t) => {
    const place = Place.sick(t);
    const times = [
      NOON,
      '2027-05-01T12:00:00+00:00',
      '2026-05-01T12:10:00+00:00',
      '1970-01-01T00:00:00+00:00',
      '2026-05-01T11:31:00+00:00',
      '2026-05-01T12:20:00+00:00',
    ];
    for (const now of times) assert.equal((await place.run(now)).code, 0, now);
    const rows = place.rows();
    assert.equal(new Set(keys(rows)).size, rows.length);
    const silent = rows.filter(({ symptom }) => symptom === 'silent');
    assert.equal(silent.length, 2, 'of 12 and of 11 o’clock: neither a year ahead nor in 1970');
  });

  test('a monitor.db that cannot be used: the alerts are out all the same, and the run has failed', async (t) => {
    const place = Place.sick(t);
    writeFileSync(join(place.directory, 'monitor.db'), 'no database'.repeat(1_000));
    const ended = await place.run(NOON);
    assert.equal(ended.code, 1, ended.stderr);
    assert.deepEqual(named(place.rows()), SICK);
    assert.match(ended.stderr, /WARNING monitor\.db cannot be used/);
  });

  test('no room for the alerts: told as an error, nothing torn, and written when there is room', async (t) => {
    const place = Place.sick(t);
    const disk = join(place.directory, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch (error) {
      if (process.env['CI'] && process.getuid?.() === 0) throw error;
      return t.skip('mounting is not permitted here; run as root: sudo npm test');
    }
    t.after(() => void execFileSync('umount', ['--lazy', disk]));
    const alerts = join(disk, 'alerts.jsonl');
    const onDisk = (now: string) => run(...place.at(now).map((arg) => (arg === place.alerts ? alerts : arg)));
    assert.equal((await onDisk('2026-05-01T11:59:00+00:00')).code, 0);
    // Its last page holds no room either.
    appendFileSync(alerts, '\n'.repeat(4096 - (statSync(alerts).size % 4096)));
    const before = readFileSync(alerts);
    fillToTheLastByte(join(disk, 'filler'));
    const full = await onDisk('2026-05-01T13:00:00+00:00');
    assert.equal(full.code, 1, full.stderr);
    assert.match(full.stderr, /ERROR \d alerts could not be written; .*alerts="lab-1 silent, lab-2 fatal-only/);
    assert.match(full.stderr, /no room left/);
    assert.deepEqual(readFileSync(alerts), before);
    execFileSync('mount', ['-o', 'remount,size=16m', disk]);
    assert.equal((await onDisk('2026-05-01T13:05:00+00:00')).code, 0);
    const rows = readFileSync(alerts, 'utf8')
      .trimEnd()
      .split(/\n+/)
      .map((line) => JSON.parse(line));
    assert.equal(rows.filter(({ detected_at_wall: at }) => at.startsWith('2026-05-01T13')).length, 4);
  });
});

describe('beside a receiver', () => {
  const KEYS = `[fleet]\nexpected_hosts = ["lab-9"]\n[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`;
  const named = (json: { findings: Row[] }) => json.findings.map(({ host, symptom }) => `${host} ${symptom}`);

  test('counts, heartbeats and reports are read from it; retired hosts are not told', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t), KEYS);
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    for (const host of ['lab-1', 'lab-2']) {
      for (let index = 0; index < 10; index += 1) {
        const commit = index % 2 === 0 ? STALE_COMMIT : '';
        await put(fleet.port, `/v1/episodes/${host}/e${index}.tar.zst`, 'x', { 'X-Cis490-Code-Commit': commit });
      }
    }
    const beat = {
      machine: 'm',
      boot_id: 'b',
      held: { count: 3, code: 'forbidden' },
      sent_at_wall: '2020-01-01T00:00:00Z',
    };
    await send(fleet.port, '/v1/heartbeat', { method: 'POST', body: JSON.stringify({ host_id: 'lab-3', ...beat }) });
    const red = JSON.stringify({ status: 'red', checks: [{ id: 'disk', status: 'red', cure: 'rm -rf /' }] });
    await send(fleet.port, '/v1/host-health/lab-4', { method: 'PUT', body: red });
    const control = await openControl(fleet.store);
    await control.retireHost({
      hostId: 'lab-2',
      retiredAt: '2026-05-01T00:00:00.000000+00:00',
      by: 'test',
      reason: 'sold',
    });
    await control.close();
    // Counts are written each second, and at the latest when it ends.
    await receiver.stop();

    const args = ['fleet-health', '--config', fleet.receiverConfig, '--json'];
    const down = JSON.parse((await run(...args)).stdout);
    assert.deepEqual(named(down), [
      '* receiver-down',
      'lab-1 fatal-only',
      'lab-3 refused',
      'lab-3 clock-skew',
      'lab-4 unhealthy',
    ]);
    assert.deepEqual(down.skipped, []);
    assert.equal(down.hosts_checked, 4);
    assert.match(down.findings[1].detail, /10 refused, 0 failed, mostly commit-/);
    assert.match(down.findings[4].suggested_fix, /^ssh lab-4 df -h/);

    const again = await fleet.startReceiver();
    t.after(() => again.kill());
    const up = await run(...args);
    assert.equal(up.code, 0, up.stderr);
    assert.equal(named(JSON.parse(up.stdout)).includes('* receiver-down'), false, up.stdout);
    assert.equal((await again.stop()).code, 0, 'it was not disturbed');
  });

  test('an expected host that never comes; a second run remembers since when', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t), KEYS);
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const at = (now: string) =>
      run('fleet-health', '--config', fleet.receiverConfig, '--json', '--attempts', 'log', '--now', now);
    assert.deepEqual(named(JSON.parse((await at(NOON)).stdout)), []);
    assert.deepEqual(named(JSON.parse((await at('2026-05-01T13:59:59Z')).stdout)), []);
    assert.deepEqual(named(JSON.parse((await at('2026-05-01T14:00:00Z')).stdout)), ['lab-9 never-seen']);
  });

  test('a configuration with mistakes is told, and nothing is made', async (t) => {
    const root = temporaryDirectory(t);
    const config = join(root, 'receiver.toml');
    writeFileSync(config, `[listen]\nport = ${await freePort()}\n[fleet.monitor]\nsilent_min = 3\n`);
    const ended = await run('fleet-health', '--config', config);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /silent_min/);
    assert.deepEqual(readdirSync(root), ['receiver.toml']);
    assert.equal((await run('fleet-health', '--config', join(root, 'none.toml'))).code, 2);
  });
});

function fillToTheLastByte(path: string): void {
  for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Full for this size: on with smaller ones.
    }
  }
  assert.ok(statSync(path).size > 0);
}
