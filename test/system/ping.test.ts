// `cis490 shipper --ping` against the real receiver: whole, wrong, and told in a form that a script reads.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestAuthority } from '../support/certificates.ts';
import { sha256 } from '../support/episodes.ts';
import { TestFleet } from '../support/fleet.ts';
import { Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function ping(config: string, ...more: string[]) {
  const program = Program.cis490(['shipper', '--ping', '--config', config, ...more]);
  const { code } = await program.ended;
  return { code, out: program.stdout, log: program.stderr };
}

test('a whole path exits 0, a broken one exits 1 with the layer and its cure', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const { config } = fleet.addHost('lab-1');
  const away = await ping(config);
  assert.equal(away.code, 1, away.log);
  assert.match(
    away.out,
    /^ok +configuration +lab-1 to http:.*with no credential\nok +name .*\nfailed +tcp +econnrefused: /,
  );
  assert.match(away.out, /cure: nothing listens there/);
  assert.match(away.out, /not reached +gate\n$/);

  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const whole = await ping(config);
  assert.equal(whole.code, 0, whole.out + whole.log);
  assert.match(whole.out, /ok +full-size packet +packets of full size arrive\n/);
  assert.match(whole.out, /ok +contract .*the clocks agree\n/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it must not be there where no terminal reads.
  assert.doesNotMatch(whole.out, /\x1b/);
});

test('over TLS with a token and a certificate; the token is never printed', async (t) => {
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return;
  const root = temporaryDirectory(t);
  const ca = TestAuthority.create(join(root, 'ca'));
  const server = ca.issueForServer();
  const tls = `cert_file = "${server.certFile}"\nkey_file = "${server.keyFile}"\nclient_ca_file = "${ca.certFile}"`;
  const auth = `[auth]\nfleet_token_sha256 = "${sha256('fleet-token-1')}"\n`;
  const fleet = await TestFleet.create(root, `[listen.tls]\n${tls}\n${auth}`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  writeFileSync(join(root, 'right'), 'fleet-token-1', { mode: 0o600 });
  writeFileSync(join(root, 'wrong'), 'fleet-token-2', { mode: 0o600 });
  const host = ca.issue({ subject: '/CN=lab-1' });
  const certificate = `cert_file = "${host.certFile}"\nkey_file = "${host.keyFile}"\n`;
  const configOf = (name: string, receiverKeys: string, tlsKeys: string) => {
    const path = join(root, `${name}.toml`);
    const keys = `url = "https://localhost:${fleet.port}"\n${receiverKeys}\n[receiver.tls]\n${tlsKeys}`;
    writeFileSync(path, `host_id = "lab-1"\n[paths]\ndata_dir = "data"\n[receiver]\n${keys}`);
    return path;
  };
  for (const [name, receiverKeys, tlsKeys, failed] of [
    ['token', 'bearer_token_file = "right"', `ca_file = "${ca.certFile}"`, null],
    ['certificate', '', `ca_file = "${ca.certFile}"\n${certificate}`, null],
    ['untrusted', 'bearer_token_file = "right"', '', 'tls'],
    ['refused', 'bearer_token_file = "wrong"', `ca_file = "${ca.certFile}"`, 'credential'],
    ['nobody', '', `ca_file = "${ca.certFile}"`, 'credential'],
    ['no-authority', '', 'ca_file = "nowhere"', 'configuration'],
  ] as const) {
    const { code, out, log } = await ping(configOf(name, receiverKeys, tlsKeys), '--json');
    const report = JSON.parse(out);
    assert.deepEqual([report.failed, report.ok, code], [failed, failed === null, failed === null ? 0 : 1], name + out);
    assert.equal(report.layers.length, 10);
    assert.doesNotMatch(out + log, /fleet-token-1|fleet-token-2/);
  }
});
