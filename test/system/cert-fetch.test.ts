// The certificate of a host, from enrolment to what the programs that use it make of a renewal; with the real receiver as its authority.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { BareMachine } from '../../src/lab-host/bootstrap/bootstrap.fixture.ts';
import { HostIdentity } from '../../src/lab-host/cert-fetch/cert-fetch.fixture.ts';
import { CredentialFiles } from '../../src/lab-host/transport/credentials.ts';
import { ReceiverConnections } from '../../src/lab-host/transport/receiver-connections.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { checkNothingLost, type Published } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SWITCHES = '100';

test('certificates are switched under load: every request is made with a whole pair, and nothing is logged as wrong', async (t) => {
  const host = await HostIdentity.enrolled(t);
  await host.fetch({ force: true });
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const logger = createLogger({ level: 'warn', form: 'plain', clock: systemClock, write });
  const at = (name: string) => join(host.root, 'current', name);
  const tls = { ca_file: join(host.root, 'ca.crt'), cert_file: at('host.crt'), key_file: at('host.key') };
  const credentials = new CredentialFiles({ bearerToken: undefined, tls, clock: systemClock, logger });
  const limits = { connectTimeoutMs: 60_000, idleTimeoutMs: 60_000, concurrency: 4 };
  const connections = new ReceiverConnections({ receiverUrl: host.server.url, credentials, ...limits });
  t.after(() => connections.close());

  const program = Program.script(join(import.meta.dirname, '../support/switching-identity.main.ts'), [
    host.root,
    SWITCHES,
  ]);
  let isRunning = true;
  program.ended.then(() => {
    isRunning = false;
  });
  const shown = new Set<string | undefined>();
  let asked = 0;
  const keepAsking = async () => {
    while (isRunning) {
      credentials.lookAgain();
      shown.add(credentials.current().tls.cert);
      const { status } = await connections.ask('POST', '/v1/ping');
      assert.equal(status, 200);
      asked += 1;
    }
  };
  await Promise.all([keepAsking(), keepAsking(), keepAsking()]);
  assert.equal((await program.ended).code, 0, program.stderr);
  assert.equal(shown.size, 2, `in ${asked} requests both were in force`);
  assert.deepEqual(lines, []);
});

describe('with the real receiver', () => {
  interface Lab {
    fleet: TestFleet;
    url: string;
    identity: string;
    config: string;
    receiver: Program;
    /** `cis490 …args` on the receiver's side; what it prints on standard output. */
    ca(...args: string[]): Promise<string>;
    newToken(hostId?: string): Promise<{ token: string; ca_fingerprint: string }>;
    certFetch(...args: string[]): Promise<{ code: number | null; out: string; log: string }>;
    certificate(): X509Certificate;
  }

  async function createLab(t: TestContext): Promise<Lab> {
    const root = temporaryDirectory(t);
    const [store, bare] = [join(root, 'store'), join(root, 'bare.toml')];
    mkdirSync(store);
    writeFileSync(bare, `[store]\nroot = "${store}"\n[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`);
    const ran = async (args: string[]) => {
      const program = Program.cis490(args);
      const { code } = await program.ended;
      return { code, out: program.stdout, log: program.stderr };
    };
    const init = await ran(['ca', 'init', '--name', 'localhost', '--name', '127.0.0.1', '--config', bare]);
    assert.equal(init.code, 0, init.log);
    const ca = (name: string) => join(store, 'ca', name);
    const tls = `cert_file = "${ca('server/server.crt')}"\nkey_file = "${ca('server/server.key')}"\nclient_ca_file = "${ca('trusted.crt')}"`;
    const fleet = await TestFleet.create(root, `[listen.tls]\n${tls}\n`);
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const [url, identity] = [`https://127.0.0.1:${fleet.port}`, join(root, 'identity')];
    const host = fleet.addHost('lab-1');
    mkdirSync(identity, { mode: 0o700 });
    copyFileSync(ca('trusted.crt'), join(identity, 'ca.crt'));
    const at = (name: string) => join(identity, name);
    writeFileSync(
      host.config,
      `host_id = "lab-1"\n[paths]\ndata_dir = "${host.data}"\n[shipper]\nscan_interval_s = 0.1\n[cert]\nenabled = true\n[receiver]\nurl = "${url}"\n[receiver.tls]\nca_file = "${at('ca.crt')}"\ncert_file = "${at('current/host.crt')}"\nkey_file = "${at('current/host.key')}"\n`,
    );
    const onReceiver = async (...args: string[]) => {
      const { code, out, log } = await ran(['ca', ...args, '--config', fleet.receiverConfig]);
      assert.equal(code, 0, log);
      return out;
    };
    return {
      fleet,
      url,
      identity,
      config: host.config,
      receiver,
      ca: onReceiver,
      newToken: async (hostId = 'lab-1') => JSON.parse(await onReceiver('token', '--host', hostId, '--json')),
      certFetch: (...args) => ran(['cert-fetch', ...args, '--config', host.config]),
      certificate() {
        const certificate = new X509Certificate(readFileSync(at('current/host.crt')));
        assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(at('current/host.key')))));
        return certificate;
      },
    };
  }

  async function enrol(lab: Lab): Promise<void> {
    const file = join(lab.fleet.root, 'token');
    writeFileSync(file, (await lab.newToken()).token, { mode: 0o600 });
    const { code, log } = await lab.certFetch('--token-file', file);
    assert.equal(code, 0, log);
  }

  test('enrolled, renewed while the shipper ships, revoked, and enrolled anew', async (t) => {
    const lab = await createLab(t);
    const without = await lab.certFetch();
    assert.equal(without.code, 1);
    assert.match(without.log, /no certificate.*\n.*on the receiver: cis490 ca token --host lab-1/);
    await enrol(lab);
    assert.equal(lab.certificate().subject, 'CN=lab-1');
    assert.equal(JSON.parse((await lab.certFetch('--json')).out).result, 'current');

    const host = { hostId: 'lab-1', data: join(lab.fleet.root, 'lab-1'), config: lab.config };
    const shipper = lab.fleet.startShipper(host);
    t.after(() => shipper.kill());
    const published: Published[] = [];
    for (let n = 0; n < 3; n += 1) {
      const episodeId = `ep-${n}`;
      const manifest = publishEpisode(host.data, host.hostId, { episodeId, commit: GOOD_COMMIT, files: { x: `${n}` } });
      published.push({ host, episodeId, manifest });
      const before = lab.certificate().fingerprint256;
      assert.equal((await lab.certFetch('--force')).code, 0);
      assert.notEqual(lab.certificate().fingerprint256, before);
    }
    await eventually(async () => (await checkNothingLost(lab.fleet.store, published)).stored === 3, 'all are stored');
    assert.equal((await shipper.stop()).code, 0);
    assert.doesNotMatch(shipper.stderr, /ERROR|WARNING/);

    await lab.ca('revoke', '--host', 'lab-1', '--why', 'a test');
    const revoked = await lab.certFetch('--force');
    assert.equal(revoked.code, 1);
    assert.match(revoked.log, /does not renew.*\n.*cis490 ca token --host lab-1/);
    await enrol(lab);
    assert.equal((await Program.cis490(['shipper', '--ping', '--config', lab.config]).ended).code, 0);
    assert.equal((await lab.certFetch('--force')).code, 0);
  });

  test('the authority is replaced: learnt over the old one, and the old one can go', async (t) => {
    const lab = await createLab(t);
    await enrol(lab);
    await lab.ca('renew-ca');
    assert.equal((await lab.certFetch('--force')).code, 0);
    await lab.ca('renew-ca', '--finish');
    lab.receiver.signal('SIGHUP');
    const count = readFileSync(join(lab.identity, 'ca.crt'), 'utf8').match(/BEGIN/g)?.length;
    assert.equal(count, 2);
    const { code, log } = await lab.certFetch('--force');
    assert.equal(code, 0, log);
  });

  test('bootstrap with the command that the receiver prints', async (t) => {
    const lab = await createLab(t);
    const machine = await BareMachine.create(t);
    const { token, ca_fingerprint: caFingerprint } = await lab.newToken();
    const flags = { receiver: lab.url, token, caFingerprint };
    assert.equal(await machine.bootstrap(flags), 0);
    assert.equal(await machine.bootstrap(flags), 0);
    assert.match(machine.lines.join(''), /no token is needed/);
  });
});
