// The doctor's report on its way: from the real program over the real transport into the receiver's store, and what is told when it does not arrive.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { doctorReportSchema } from '../../src/protocol/doctor-report.ts';
import { sha256 } from '../support/episodes.ts';
import { TestFleet } from '../support/fleet.ts';
import { Program } from '../support/program.ts';
import { send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TOKEN = 'the-token-of-the-whole-fleet';

/** `head`: the configuration of the host without its receiver. */
async function start(t: TestContext, { token = TOKEN, more = '' } = {}) {
  const fleet = await TestFleet.create(temporaryDirectory(t), `[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const { data, config } = fleet.addHost('lab-1');
  writeFileSync(join(fleet.root, 'token'), token, { mode: 0o600 });
  writeFileSync(
    config,
    `host_id = "lab-1"\n[paths]\ndata_dir = "${data}"\n[receiver]\nurl = "${fleet.url}"\nbearer_token_file = "token"\n${more}`,
  );
  const stored = join(fleet.store, 'host-health/lab-1.json');
  const ship = async () => {
    const program = Program.cis490(['ship-health', '--config', config]);
    const { code } = await program.ended;
    return { code, log: program.stderr };
  };
  return {
    fleet,
    receiver,
    data,
    ship,
    stored,
    read: () => doctorReportSchema.parse(JSON.parse(readFileSync(stored, 'utf8'))),
  };
}

test('a report arrives, however red, and the fleet shows it', async (t) => {
  const { fleet, ship, read } = await start(t, { more: '[shipper]\nmin_free = "1000 TiB"\n' });
  const { code, log } = await ship();
  assert.equal(code, 0, log);
  assert.match(log, /INFO health report stored host=lab-1 receiver=\S+ health=red red=\S*disk/);
  assert.ok(!log.includes(TOKEN));
  const report = read();
  assert.deepEqual([report.role, report.host_id, report.status], ['lab-host', 'lab-1', 'red']);
  const byId = new Map(report.checks.map((check) => [check.id, check.status]));
  assert.deepEqual([byId.get('disk'), byId.get('credential'), byId.get('configuration')], ['red', 'green', 'green']);
  const headers = { Authorization: `Bearer ${TOKEN}` };
  const host = (await send(fleet.port, '/v1/fleet/lab-1', { headers })).json as {
    doctor: { status: string; red: { id: string; meaning: string; cure: string }[]; checks: unknown[] };
  };
  assert.equal(host.doctor.status, 'red');
  assert.equal(host.doctor.checks.length, report.checks.length);
  assert.ok(host.doctor.red.some(({ id, meaning, cure }) => id === 'disk' && meaning !== '' && cure !== ''));
});

test('a configuration with a mistake is itself a report, and exit code 2', async (t) => {
  const { ship, read } = await start(t, { more: '[shiper]\nconcurrency = 2\n' });
  const { code, log } = await ship();
  assert.equal(code, 2, log);
  assert.match(log, /ERROR \S+lab-1\.toml:\d+: \[shiper\].*did you mean \[?shipper/);
  assert.match(log, /INFO health report stored/);
  const report = read();
  assert.deepEqual([report.host_id, report.status], ['lab-1', 'red']);
  assert.deepEqual(
    report.checks.map(({ id, status }) => [id, status]),
    [['configuration', 'red']],
  );
});

test('a configuration that does not say where to is told', async (t) => {
  const { fleet, stored } = await start(t);
  const config = join(fleet.root, 'empty.toml');
  writeFileSync(config, 'host_id = "lab-1"\n');
  const program = Program.cis490(['ship-health', '--config', config]);
  assert.equal((await program.ended).code, 2);
  assert.match(program.stderr, /\[receiver\] url/);
  assert.match(program.stderr, /ERROR the health report is not sent/);
  assert.equal(existsSync(stored), false);
});

test('a credential that is refused: exit code 1, the layer, and the cure', async (t) => {
  const { ship, stored } = await start(t, { token: 'wrong' });
  const { code, log } = await ship();
  assert.equal(code, 1, log);
  assert.match(log, /ERROR the health report could not be stored .*layer=credential code=credential-invalid .*cure="/);
  assert.equal(existsSync(stored), false);
});
