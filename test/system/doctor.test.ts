// `cis490 doctor` as a person, a script and a timer run it: against the real receiver, with stand-ins for systemd's programs on its PATH.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DOCTOR_CHECKS } from '../../src/protocol/doctor-checks.ts';
import { type DoctorReport, doctorReportSchema } from '../../src/protocol/doctor-report.ts';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const LAB_HOST_IDS = Object.entries(DOCTOR_CHECKS).flatMap(([id, { role }]) => (role === 'receiver' ? [] : [id]));
const ALL_RUN = 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n';

/** systemctl and journalctl that say so, found before the real ones. */
function programs(root: string, systemctl = `printf '${ALL_RUN}'`, journalctl = 'true'): NodeJS.ProcessEnv {
  const directory = join(root, 'programs');
  mkdirSync(directory, { recursive: true });
  for (const [name, body] of Object.entries({ systemctl, journalctl })) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  return { PATH: `${directory}:${process.env['PATH']}`, NO_COLOR: '' };
}

async function doctor(environment: NodeJS.ProcessEnv, ...args: string[]) {
  const program = Program.cis490(['doctor', ...args], environment);
  const { code } = await program.ended;
  const { stdout, stderr } = program;
  const report = args.includes('--json') ? doctorReportSchema.parse(JSON.parse(stdout)) : undefined;
  return { code, stdout, stderr, report };
}

function statusOf(report: DoctorReport | undefined, id: string): string | undefined {
  return report?.checks.find((check) => check.id === id)?.status;
}

/** Name, size, time and content of everything in it. */
function everything(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const stats = statSync(join(directory, name));
    hash.update(`${name} ${stats.mode} ${stats.mtimeMs} ${stats.ctimeMs}`);
    if (stats.isFile()) hash.update(readFileSync(join(directory, name)));
  }
  return hash.digest('hex');
}

async function healthyHost(t: TestContext) {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const host = fleet.addHost('lab-1', 'min_free = "1 B"');
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  publishEpisode(host.data, host.hostId, { episodeId: 'e-1', commit: GOOD_COMMIT, files: { x: 'x' } });
  assert.equal((await fleet.shipOnce(host)).code, 0);
  return { root, fleet, host, receiver };
}

test('a host that is well: every check is there, what this tree lacks is told, and nothing is written', async (t) => {
  const { root, host } = await healthyHost(t);
  const environment = programs(root);
  const before = everything(host.data);
  const { code, report, stderr } = await doctor(environment, '--json', '--config', host.config);
  assert.deepEqual(
    report?.checks.map(({ id }) => id),
    LAB_HOST_IDS,
    stderr,
  );
  assert.equal(everything(host.data), before);
  // This tree may not be stamped, and then it says so.
  const notGreen = report.checks.filter(({ id, status }) => status !== 'green' && id !== 'version' && id !== 'gate');
  assert.deepEqual(notGreen, []);
  assert.equal(code, report.status === 'red' ? 1 : 0);
  assert.equal(report.host_id, 'lab-1');
  for (const { status, cure } of report.checks) assert.equal(status === 'green', cure === null);
});

test('faults are red, exit 1, and each has its cure; what came from elsewhere drives no terminal', async (t) => {
  const { root, fleet, host, receiver } = await healthyHost(t);
  await receiver.kill();
  const line = (status: number, code: string) =>
    `echo 'episode refused and quarantined episode=e\x1b[2J status=${status} code=${code}'`;
  const journal = [line(412, 'commit-blocked'), line(412, 'commit-blocked'), line(400, 'commit-missing')].join('\n');
  const environment = programs(root, `printf '${ALL_RUN.replace('=active', '=inactive')}'`, journal);
  mkdirSync(join(host.data, 'quarantine', 'e-2'), { recursive: true });
  writeFileSync(
    join(host.data, 'quarantine', 'e-2', 'quarantine_reason.json'),
    JSON.stringify({ code: '\x1b[2Jgone', quarantined_at_wall: new Date().toISOString() }),
  );
  const { code, report, stdout } = await doctor(environment, '--json', '--config', host.config);
  assert.equal(code, 1);
  assert.deepEqual(
    ['receiver-tcp', 'gate', 'units', 'timers', 'shipping-errors', 'quarantine'].map((id) => statusOf(report, id)),
    ['red', 'unknown', 'red', 'red', 'red', 'yellow'],
  );
  assert.match(stdout, /2 ship\(s\) rejected as out-of-window/);

  const people = await doctor(environment, '--config', host.config);
  assert.equal(people.code, 1);
  assert.match(people.stdout, /^red +receiver-tcp +.*econnrefused.*\n {4}to cure it:\n {4}ssh 127\.0\.0\.1 /m);
  assert.match(people.stdout, /^ {4}sudo systemctl enable --now cis490-shipper$/m);
  assert.match(people.stdout, /\nlab-1 is red: \d+ red \(.*receiver-tcp.*\n$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it must not be there.
  assert.doesNotMatch(people.stdout, /[\x00-\x09\x0b-\x1f\x7f]/);
  assert.ok(fleet.url.length > 0);
});

test('a configuration that cannot be used is a report with that one check', async (t) => {
  const root = temporaryDirectory(t);
  const config = join(root, 'lab-host.toml');
  for (const [text, summary] of [
    ['host_id = "lab 1"\n[receiver]\nurl = "http://127.0.0.1:9"\nurk = 1\n', /:1: host_id: .*\(and 1 more\)$/],
    ['host_id = \n', /not valid TOML/],
  ] as const) {
    writeFileSync(config, text);
    const { code, report } = await doctor(programs(root), '--json', '--config', config);
    assert.equal(code, 1);
    const [only, ...rest] = report?.checks ?? [];
    assert.deepEqual([only?.id, only?.status, rest.length, report?.host_id], ['configuration', 'red', 0, null]);
    assert.match(only?.summary ?? '', summary);
    assert.match(only?.cure ?? '', /^sudoedit .*lab-host\.toml\nsudo .*config check .*lab-host\.toml/);
  }
  const absent = await doctor(programs(root), '--config', join(root, 'nowhere.toml'));
  assert.equal(absent.code, 1);
  assert.match(absent.stdout, /there is no such file\n {4}to cure it:\n {4}sudo cp .*etc\/lab-host\.toml\.example /);
});

test('what is asked wrongly is no finding: exit 2', async (t) => {
  const environment = programs(temporaryDirectory(t));
  assert.equal((await doctor(environment, '--role', 'nobody')).code, 2);
  assert.equal((await doctor(environment, '--nonsense')).code, 2);
});
