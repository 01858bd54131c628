// The shipper's transport over real TLS: certificates that are wrong are named, and those that are renewed count at once and break nothing.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BandwidthLimit } from '../../src/lab-host/shipper/bandwidth-limit.ts';
import type { PackedEpisode } from '../../src/lab-host/shipper/pack-episode.ts';
import { createTransport, type Transport, type TransportOptions } from '../../src/lab-host/shipper/put-episode.ts';
import type { ReceiverAnswer } from '../../src/lab-host/transport/classify-answer.ts';
import { classifyNetworkError } from '../../src/lab-host/transport/classify-network-error.ts';
import { CredentialFiles } from '../../src/lab-host/transport/credentials.ts';
import { cureForHold } from '../../src/lab-host/transport/hold-cures.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { type IssuedCertificate, TestAuthority } from '../support/certificates.ts';
import { publishEpisode, sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published, readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { PATIENCE_MS } from '../support/until.ts';

const NEVER = new AbortController().signal;

interface Lab {
  root: string;
  ca: TestAuthority;
  foreign: TestAuthority;
  tls: { ca_file: string; cert_file: string; key_file: string };
  /** Puts these where the shipper's configuration points, as a renewal does. */
  install(host: IssuedCertificate): void;
  trust(authority: TestAuthority): void;
}

function createLab(t: TestContext): Lab | undefined {
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return undefined;
  const root = temporaryDirectory(t);
  const tls = { ca_file: join(root, 'ca.pem'), cert_file: join(root, 'host.crt'), key_file: join(root, 'host.key') };
  const ca = TestAuthority.create(join(root, 'ca'));
  const lab: Lab = {
    root,
    ca,
    foreign: TestAuthority.create(join(root, 'foreign'), 'Other CA'),
    tls,
    install(host) {
      copyFileSync(host.certFile, tls.cert_file);
      copyFileSync(host.keyFile, tls.key_file);
      chmodSync(tls.key_file, 0o600);
    },
    trust: (authority) => copyFileSync(authority.certFile, tls.ca_file),
  };
  lab.trust(ca);
  lab.install(ca.issue());
  return lab;
}

async function startReceiver(t: TestContext, { root, ca }: Lab): Promise<TestFleet> {
  const server = ca.issueForServer();
  const files = `cert_file = "${server.certFile}"\nkey_file = "${server.keyFile}"\nclient_ca_file = "${ca.certFile}"\n`;
  const fleet = await TestFleet.create(root, `[listen.tls]\n${files}`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  return fleet;
}

function transportTo(t: TestContext, lab: Lab, receiverUrl: string, more: Partial<TransportOptions> = {}) {
  const logger = createLogger({
    level: 'warn',
    form: 'plain',
    clock: systemClock,
    write: (line) => t.diagnostic(line),
  });
  const credentials = new CredentialFiles({ bearerToken: undefined, tls: lab.tls, clock: systemClock, logger });
  const transport = createTransport({
    receiverUrl,
    credentials,
    connectTimeoutMs: PATIENCE_MS,
    idleTimeoutMs: PATIENCE_MS,
    concurrency: 2,
    ...{
      resumableAboveBytes: () => Number.POSITIVE_INFINITY,
      clock: systemClock,
      logger,
      onUploadMoved: () => undefined,
    },
    afterStep: () => undefined,
    onSent: () => undefined,
    ...more,
  });
  t.after(() => transport.close());
  return { transport, credentials };
}

function episode({ root }: Lab, episodeId: string, sizeBytes = 10_000): PackedEpisode {
  const bytes = Buffer.alloc(sizeBytes, episodeId);
  const tarballPath = join(root, `${episodeId}.tar.zst`);
  writeFileSync(tarballPath, bytes);
  const stamp = { commit: GOOD_COMMIT, dirty: false, schemaVersion: undefined };
  return { episodeId, tarballPath, sha256: sha256(bytes), sizeBytes, sourceBytes: 0, stamp };
}

async function identityOf(transport: Transport): Promise<unknown> {
  return JSON.parse((await transport.ask('POST', '/v1/ping')).body).host_id;
}

test('a certificate that is renewed in the middle of an upload counts for the next request and leaves the upload alone', async (t) => {
  const lab = createLab(t);
  if (!lab) return;
  const fleet = await startReceiver(t, lab);
  const gate = Promise.withResolvers<void>();
  let nowMs = 0;
  // Stands still until the gate opens.
  const sleep = (ms: number) =>
    gate.promise.then(() => {
      nowMs += ms;
    });
  let sentBytes = 0;
  const { transport, credentials } = transportTo(t, lab, `https://localhost:${fleet.port}`, {
    bandwidthLimit: new BandwidthLimit(10_000_000, { ...systemClock, monotonicMs: () => nowMs, sleep }),
    onSent: (bytes) => {
      sentBytes += bytes;
    },
  });
  const upload = transport.put('lab-1', episode(lab, 'under-way', 5_000_000), NEVER);
  await eventually(() => sentBytes > 0, 'the upload is under way');
  assert.equal(await identityOf(transport), 'lab-1');
  lab.install(lab.ca.issue({ subject: '/CN=lab-2' }));
  credentials.lookAgain();
  assert.equal(await identityOf(transport), 'lab-2');
  gate.resolve();
  assert.equal((await upload).status, 201);
  const after = await transport.put('lab-1', episode(lab, 'after'), NEVER);
  assert.equal(after.status, 403, 'not over the connection that was made as lab-1');
  assert.deepEqual(
    readRows(fleet.store).map(({ host_id, episode_id }) => [host_id, episode_id]),
    [['lab-1', 'under-way']],
  );
});

test('a stream of uploads survives renewal after renewal', async (t) => {
  const lab = createLab(t);
  if (!lab) return;
  const fleet = await startReceiver(t, lab);
  const { transport, credentials } = transportTo(t, lab, `https://localhost:${fleet.port}`);
  const renewals = [1, 2, 3].map(() => lab.ca.issue());
  for (let round = 0; round < 12; round += 1) {
    const both: Promise<ReceiverAnswer>[] = ['a', 'b'].map((name) =>
      transport.put('lab-1', episode(lab, `${name}-${round}`, 300_000), NEVER),
    );
    const renewal = round % 4 === 1 ? renewals.pop() : undefined;
    if (renewal) lab.install(renewal);
    credentials.lookAgain();
    for (const attempt of both) assert.equal((await attempt).status, 201);
  }
  assert.equal(readRows(fleet.store).length, 24);
});

test("this host's certificate has expired, and works again with the first request after its renewal", async (t) => {
  const lab = createLab(t);
  if (!lab) return;
  const fleet = await startReceiver(t, lab);
  lab.install(lab.ca.issue({ fromDays: -9, untilDays: -2 }));
  const { transport } = transportTo(t, lab, `https://localhost:${fleet.port}`);
  const refused = await transport.put('lab-1', episode(lab, 'e'), NEVER);
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [401, 'credential-invalid']);
  lab.install(lab.ca.issue());
  assert.equal((await transport.put('lab-1', episode(lab, 'e'), NEVER)).status, 201);
});

test('an authority that is not trusted is named, and works with the first request after it is', async (t) => {
  const lab = createLab(t);
  if (!lab) return;
  const fleet = await startReceiver(t, lab);
  lab.trust(lab.foreign);
  const { transport } = transportTo(t, lab, `https://localhost:${fleet.port}`);
  assert.deepEqual(await verdictOf(transport, lab), ['held', 'certificate-untrusted']);
  lab.trust(lab.ca);
  assert.equal((await transport.put('lab-1', episode(lab, 'e'), NEVER)).status, 201);
});

for (const [fault, wanted, code] of [
  ['has expired', { fromDays: -9, untilDays: -2 }, 'certificate-expired'],
  ['is not valid yet', { fromDays: 2 }, 'certificate-not-yet-valid'],
  ['is for another name', { san: 'DNS:other.lab' }, 'certificate-wrong-name'],
] as const) {
  test(`the receiver's certificate ${fault}: the queue is held, with the cure`, async (t) => {
    const lab = createLab(t);
    if (!lab) return;
    const { cert, key } = lab.ca.issueForServer(wanted);
    const server = createServer({ cert, key }, (_request, response) => response.end()).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { transport } = transportTo(t, lab, `https://localhost:${(server.address() as AddressInfo).port}`);
    assert.deepEqual(await verdictOf(transport, lab), ['held', code]);
    assert.match(cureForHold(code), /certificate/);
  });
}

test('the running program: a bad renewal is told and the old certificate stays in force, a good one counts without a restart', async (t) => {
  const lab = createLab(t);
  if (!lab) return;
  const server = lab.ca.issueForServer();
  const clientCa = join(lab.root, 'client-ca.pem');
  copyFileSync(lab.ca.certFile, clientCa);
  const files = `cert_file = "${server.certFile}"\nkey_file = "${server.keyFile}"\nclient_ca_file = "${clientCa}"\n`;
  const fleet = await TestFleet.create(lab.root, `[listen.tls]\n${files}`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  const { ca_file, cert_file, key_file } = lab.tls;
  const tls = `[receiver.tls]\nca_file = "${ca_file}"\ncert_file = "${cert_file}"\nkey_file = "${key_file}"\n`;
  const toml = readFileSync(host.config, 'utf8').replace(fleet.url, `https://localhost:${fleet.port}`);
  writeFileSync(host.config, `${toml}${tls}`);
  const shipper = Program.cis490(['shipper', '--config', host.config]);
  t.after(() => shipper.kill());
  const published: Published[] = [];
  const ship = async (episodeId: string) => {
    const contents = { episodeId, commit: GOOD_COMMIT, files: { data: episodeId } };
    published.push({ host, episodeId, manifest: publishEpisode(host.data, 'lab-1', contents) });
    await eventually(() => namesIn(join(host.data, 'shipped')).includes(episodeId), `${episodeId} is shipped`);
  };
  await ship('as-it-started');

  // Half a renewal: the certificate is another, the key still the old one.
  copyFileSync(lab.ca.issue().certFile, cert_file);
  shipper.signal('SIGHUP');
  await shipper.printed(/INFO configuration and credentials read again/);
  await ship('with-half-a-renewal');
  const [told] = await shipper.printed(/ERROR the credentials for the receiver have changed and cannot be used.*/);
  assert.ok(told.includes(`${key_file} is not the key of the certificate in ${cert_file}`), told);

  // From now on the receiver takes the certificates of another authority alone: the old one would be refused.
  lab.install(lab.foreign.issue());
  shipper.signal('SIGHUP');
  copyFileSync(lab.foreign.certFile, clientCa);
  receiver.signal('SIGHUP');
  await receiver.printed(/configuration, tokens and certificates read again/);
  const readAgain = () => shipper.stderr.match(/configuration and credentials read again/g)?.length === 2;
  await eventually(readAgain, 'the shipper has heard the second signal');
  await ship('renewed');
  assert.match(shipper.stderr, /INFO the credentials for the receiver have changed and were read again/);
  assert.equal(shipper.stderr.match(/ERROR/g)?.length, 1, shipper.stderr);
  assert.equal((await shipper.stop()).code, 0);
  await receiver.stop();
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 3 });
});

async function verdictOf(transport: Transport, lab: Lab): Promise<[kind: string, code: string]> {
  const failure = await transport.put('lab-1', episode(lab, 'e'), NEVER).then(
    () => undefined,
    (error: unknown) => error,
  );
  const verdict = classifyNetworkError(failure);
  return [verdict.kind, 'code' in verdict ? verdict.code : ''];
}
