// Who may reach the receiver by certificate: through its own TLS, and through a real Caddy with the Caddyfile that ships with it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { clientCertHeader, type IssuedCertificate, TestAuthority } from '../support/certificates.ts';
import { publishEpisode, sha256 } from '../support/episodes.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { checkNothingLost, namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, freePort, PROJECT_ROOT, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const BODY = 'x'.repeat(3_000_000);

interface Lab {
  fleet: TestFleet;
  ca: TestAuthority;
  foreign: TestAuthority;
  server: IssuedCertificate;
}

async function createLab(
  t: TestContext,
  keys: (lab: Omit<Lab, 'fleet'>) => { listen: string; tls: string },
): Promise<Lab> {
  const root = temporaryDirectory(t);
  const ca = TestAuthority.create(join(root, 'ca'));
  const parts = { ca, foreign: TestAuthority.create(join(root, 'foreign')), server: ca.issueForServer() };
  const { listen, tls } = keys(parts);
  const fleet = await TestFleet.create(root, `[listen.tls]\n${tls}`);
  const toml = readFileSync(fleet.receiverConfig, 'utf8').replace('[listen]\n', `[listen]\n${listen}`);
  writeFileSync(fleet.receiverConfig, toml);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  return { fleet, ...parts };
}

interface PutOptions {
  host?: IssuedCertificate;
  agent?: Agent;
  headers?: Record<string, string>;
}

interface PutAnswer {
  status: number;
  code: string | undefined;
  detail: string;
  isReused: boolean;
}

/** A PUT that waits for 100 before its body, as the shipper's are. Rejects when TLS is refused. */
function putOverTls(
  { ca }: Lab,
  port: number,
  target: string,
  { host, agent, headers }: PutOptions = {},
): Promise<PutAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<PutAnswer>();
  const outgoing = requestHttps({
    host: '127.0.0.1',
    servername: 'localhost',
    port,
    path: target,
    method: 'PUT',
    agent: agent ?? false,
    ca: ca.certificate.toString(),
    ...(host && { cert: host.cert, key: host.key }),
    headers: {
      Host: `localhost:${port}`,
      'X-Content-SHA256': sha256(BODY),
      'X-Cis490-Code-Commit': GOOD_COMMIT,
      'Content-Length': BODY.length,
      Expect: '100-continue',
      ...headers,
    },
  });
  outgoing.once('continue', () => outgoing.end(BODY));
  outgoing.on('error', reject);
  outgoing.on('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('end', () => {
      const { code, detail } = JSON.parse(text);
      resolve({ status: response.statusCode ?? 0, code, detail, isReused: outgoing.reusedSocket });
      if (!outgoing.writableEnded) outgoing.destroy();
    });
  });
  outgoing.flushHeaders();
  return promise;
}

const target = (hostId: string, episodeId: string) => `/v1/episodes/${hostId}/${episodeId}.tar.zst`;

async function refusesWrongOnes(lab: Lab, port: number): Promise<void> {
  for (const [host, reason] of [
    [lab.ca.issue({ fromDays: -2, untilDays: -1 }), /it expired at 20/],
    [lab.ca.issue({ fromDays: 1 }), /it is not valid before 20/],
    [lab.foreign.issue(), /no authority that this receiver knows has issued it/],
    [lab.ca.issue({ subject: '/CN=lab-1/CN=lab-2' }), /more than one CN/],
    [lab.server, /not for clients/],
  ] as const) {
    const answer = await putOverTls(lab, port, target('lab-1', 'e'), { host });
    assert.deepEqual([answer.status, answer.code], [401, 'credential-invalid'], String(reason));
    assert.match(answer.detail, reason);
  }
}

/** The right host, others' paths, none, a header of one's own making, and a revocation while the connection lasts. */
async function tellsHostsApart(t: TestContext, lab: Lab, port: number): Promise<void> {
  const { fleet } = lab;
  const [one, two] = [lab.ca.issue(), lab.ca.issue({ subject: '/O=Lab/CN=lab-2' })];
  const none = await putOverTls(lab, port, target('lab-1', 'e'));
  assert.deepEqual([none.status, none.code], [401, 'credential-missing']);
  const forged = await putOverTls(lab, port, target('lab-1', 'e'), {
    headers: { 'Client-Cert': clientCertHeader(one) },
  });
  assert.deepEqual([forged.status, forged.code], [401, 'credential-missing']);
  const crossing = await putOverTls(lab, port, target('lab-1', 'e'), {
    host: two,
    headers: { 'Client-Cert': clientCertHeader(one) },
  });
  assert.deepEqual([crossing.status, crossing.code], [403, 'forbidden']);
  assert.equal((await putOverTls(lab, port, target('lab-2', 'e'), { host: one })).status, 403);
  assert.deepEqual([readRows(fleet.store).length, namesIn(join(fleet.store, 'episodes'))], [0, []]);
  assert.equal((await putOverTls(lab, port, target('lab-2', 'e'), { host: two })).status, 201);

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal((await putOverTls(lab, port, target('lab-1', 'e'), { host: one, agent })).status, 201);
  const again = await putOverTls(lab, port, target('lab-1', 'f'), { host: one, agent });
  assert.deepEqual([again.status, again.isReused], [201, true]);
  const revoke = ['ca', 'revoke', '--cert', one.certFile, '--why', 'disk stolen', '--config', fleet.receiverConfig];
  const revoked = Program.cis490(revoke);
  assert.equal((await revoked.ended).code, 0, revoked.stderr);
  const after = await putOverTls(lab, port, target('lab-1', 'g'), { host: one, agent });
  assert.deepEqual([after.status, after.code, after.isReused], [401, 'credential-invalid', true]);
  assert.match(after.detail, /it was revoked/);
  assert.equal((await putOverTls(lab, port, target('lab-2', 'g'), { host: two })).status, 201);
  assert.equal(readRows(fleet.store).length, 4);
}

const OWN_TLS = ({ ca, server }: Omit<Lab, 'fleet'>) => ({
  listen: '',
  tls: `cert_file = "${server.certFile}"\nkey_file = "${server.keyFile}"\nclient_ca_file = "${ca.certFile}"\n`,
});
const BEHIND_PROXY = ({ ca }: Omit<Lab, 'fleet'>) => ({
  listen: 'trusted_proxies = ["127.0.0.1"]\n',
  tls: `client_ca_file = "${ca.certFile}"\n`,
});

test('own TLS: each host is told by its certificate', async (t) => {
  const lab = await createLab(t, OWN_TLS);
  await tellsHostsApart(t, lab, lab.fleet.port);
});

test('own TLS: certificates that do not count', async (t) => {
  const lab = await createLab(t, OWN_TLS);
  await refusesWrongOnes(lab, lab.fleet.port);
  assert.equal(readRows(lab.fleet.store).length, 0);
});

/** The Caddyfile that ships with it, for this machine: its site as it stands, and once more with `mode request`. */
async function startCaddy(t: TestContext, lab: Lab): Promise<{ port: number; requestPort: number }> {
  const [port, requestPort] = [await freePort(), await freePort()];
  const example = readFileSync(join(PROJECT_ROOT, 'etc/Caddyfile.example'), 'utf8');
  const adapt = (replacements: Record<string, string>, text: string) =>
    Object.entries(replacements).reduce((before, [from, to]) => {
      assert.equal(before.split(from).length, 2, `the example says ${from} once`);
      return before.replace(from, to);
    }, text);
  const begin = example.indexOf('https://');
  const site = adapt(
    {
      'tls /etc/caddy/receiver.crt /etc/caddy/receiver.key': `tls ${lab.server.certFile} ${lab.server.keyFile}`,
      'trusted_ca_cert_file /etc/cis490/lab-ca.crt': `trusted_ca_cert_file ${lab.ca.certFile}`,
      'reverse_proxy 127.0.0.1:8490': `reverse_proxy 127.0.0.1:${lab.fleet.port}`,
    },
    example.slice(begin),
  );
  const address = 'https://receiver.example:8443';
  const asItIs = adapt({ [address]: `https://localhost:${port}` }, site);
  const requesting = adapt(
    {
      [address]: `https://localhost:${requestPort}`,
      '\t\t\tmode verify_if_given\n': '\t\t\tmode request\n',
      [`trusted_ca_cert_file ${lab.ca.certFile}\n`]: '\n',
    },
    site,
  );
  const global = adapt({ 'auto_https off': 'auto_https off\n\tadmin off' }, example.slice(0, begin));
  const config = join(lab.fleet.root, 'Caddyfile');
  writeFileSync(config, `${global}${asItIs}\n${requesting}`);
  const home = { HOME: lab.fleet.root, XDG_CONFIG_HOME: lab.fleet.root, XDG_DATA_HOME: lab.fleet.root };
  const caddy = Program.command('caddy', ['run', '--adapter', 'caddyfile', '--config', config], home);
  t.after(() => caddy.kill());
  await caddy.printed(/serving initial configuration/);
  return { port, requestPort };
}

test('behind Caddy: each host is told by its certificate', async (t) => {
  if (!hasSystemPart(t, ['caddy', 'version'], 'caddy')) return;
  const lab = await createLab(t, BEHIND_PROXY);
  const { port } = await startCaddy(t, lab);
  await tellsHostsApart(t, lab, port);
});

test('behind Caddy: certificates that do not count', async (t) => {
  if (!hasSystemPart(t, ['caddy', 'version'], 'caddy')) return;
  const lab = await createLab(t, BEHIND_PROXY);
  const { port, requestPort } = await startCaddy(t, lab);
  await refusesWrongOnes(lab, requestPort);
  for (const host of [lab.ca.issue({ untilDays: -0.5 }), lab.ca.issue({ fromDays: 1 }), lab.foreign.issue()]) {
    await assert.rejects(putOverTls(lab, port, target('lab-1', 'e'), { host }), 'Caddy ends the handshake itself');
  }
  assert.equal(readRows(lab.fleet.store).length, 0);
});

test('behind Caddy: a large episode goes by an upload, and goes on where its link broke', async (t) => {
  if (!hasSystemPart(t, ['caddy', 'version'], 'caddy')) return;
  const lab = await createLab(t, BEHIND_PROXY);
  const { port } = await startCaddy(t, lab);
  // Whichever of its first connections brings the episode.
  const link = await FaultProxy.start(t, port, Array(3).fill({ kind: 'cut', atByte: 9_000_000 }));
  const host = lab.fleet.addHost('lab-1', 'concurrency = 1\nresumable_above = "1 MiB"');
  const { certFile, keyFile } = lab.ca.issue();
  const tls = `[receiver.tls]\nca_file = "${lab.ca.certFile}"\ncert_file = "${certFile}"\nkey_file = "${keyFile}"\n`;
  const toml = readFileSync(host.config, 'utf8').replace(
    lab.fleet.url,
    link.url.replace('http://127.0.0.1', 'https://localhost'),
  );
  writeFileSync(host.config, `${toml}${tls}`);
  const files = { 'data.bin': randomBytes(16_000_000) };
  const manifest = publishEpisode(host.data, 'lab-1', { episodeId: 'ep-1', commit: GOOD_COMMIT, files });

  const shipper = lab.fleet.startShipper(host);
  t.after(() => shipper.kill());
  await eventually(() => namesIn(join(host.data, 'shipped')).length === 1, 'it is shipped');
  assert.match(shipper.stderr, /not shipped yet.*\n(?:.*\n)*.*upload goes on .*from_byte=[1-9]\d{6}/);
  assert.ok(link.passedBytes < 1.5 * 16_000_000, `${link.passedBytes} passed`);
  const { faults } = await checkNothingLost(lab.fleet.store, [{ host, episodeId: 'ep-1', manifest }]);
  assert.deepEqual(faults, []);
});

test('what only a trusted proxy may say is nothing from any other address', async (t) => {
  const lab = await createLab(t, BEHIND_PROXY);
  const headers = { 'Client-Cert': clientCertHeader(lab.ca.issue()), 'X-Forwarded-For': '127.0.0.1' };
  const ping = async (localAddress: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const options = {
      host: '127.0.0.1',
      port: lab.fleet.port,
      path: '/v1/ping',
      method: 'POST',
      headers,
      agent: false,
    };
    const outgoing = requestHttp({ ...options, localAddress } as const, (response) => {
      resolve(response.resume().statusCode ?? 0);
    });
    outgoing.on('error', reject).end();
    return await promise;
  };
  assert.equal(await ping('127.0.0.1'), 200);
  assert.equal(await ping('127.0.0.3'), 401);
});
