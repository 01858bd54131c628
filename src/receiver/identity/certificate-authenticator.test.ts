import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { clientCertHeader, type IssuedCertificate, TestAuthority } from '../../../test/support/certificates.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { Secret } from '../../lib/config/secret-file.ts';
import { tlsOptionsOf } from '../http/tls-options.ts';
import type { ReceiverConfig } from '../receiver-config.ts';
import { createAuthenticator } from './authenticator.ts';
import { identifiersOf } from './certificate-authenticator.ts';
import {
  EnrolmentTokensInMemory,
  listenConfig,
  RevocationsInMemory,
  recordingLogger,
  SettableClock,
  serveWhoAmI,
} from './identity.fixture.ts';

interface Lab {
  directory: string;
  ca: TestAuthority;
  other: TestAuthority;
  receiver: IssuedCertificate;
  hosts: Record<
    'right' | 'expired' | 'early' | 'foreign' | 'twoNames' | 'noName' | 'badName' | 'server' | 'authority',
    IssuedCertificate
  >;
}

let lab: Lab;

before(() => {
  const directory = makeDirectory();
  const ca = TestAuthority.create(join(directory, 'ca'));
  // Of the same name, and with no key named in what it issues: only the signature tells the two apart.
  const other = TestAuthority.create(join(directory, 'other'));
  lab = {
    directory,
    ca,
    other,
    receiver: ca.issueForServer(),
    hosts: {
      right: ca.issue(),
      expired: ca.issue({ fromDays: -2, untilDays: -1 }),
      early: ca.issue({ fromDays: 1 }),
      foreign: other.issue({ extension: 'authorityKeyIdentifier=none' }),
      twoNames: ca.issue({ subject: '/CN=lab-1/CN=lab-2' }),
      noName: ca.issue({ subject: '/O=Lab', san: 'DNS:lab-1' }),
      badName: ca.issue({ subject: '/CN=lab 1' }),
      server: ca.issueForServer({ subject: '/CN=lab-1' }),
      authority: ca.issue({ isAuthority: true }),
    },
  };
});
after(() => removeDirectory(lab.directory));

const REASONS: [host: keyof Lab['hosts'], reason: RegExp][] = [
  ['expired', /: it expired at 20/],
  ['early', /: it is not valid before 20/],
  ['foreign', /: no authority that this receiver knows has issued it/],
  ['twoNames', /: its subject has more than one CN/],
  ['noName', /: its subject has no CN/],
  ['badName', /: the CN of its subject is not a host id/],
  ['server', /: it is not for clients/],
  ['authority', /: it is not for clients/],
];
const LAB_1 = { kind: 'known', principal: { role: 'host', hostId: 'lab-1', name: 'certificate lab-1' } };

type Outcome = Record<string, unknown>;

async function openReceiver(t: TestContext, listen: ReceiverConfig['listen'], withTls: boolean) {
  const control = new RevocationsInMemory();
  const clock = new SettableClock();
  const { logger } = recordingLogger();
  const auth = { tokens_file: join(lab.directory, 'none.json'), fleet_token_sha256: '0'.repeat(64) };
  let authenticator = createAuthenticator({
    listen,
    auth,
    control,
    enrolments: new EnrolmentTokensInMemory(),
    clock,
    logger,
  });
  const tls = withTls ? tlsOptionsOf(listen, Date.now()) : undefined;
  const served = await serveWhoAmI(t, () => authenticator, tls);
  const reload = (next: ReceiverConfig['listen']) => {
    authenticator = createAuthenticator({
      listen: next,
      auth,
      control,
      enrolments: new EnrolmentTokensInMemory(),
      clock,
      logger,
    });
    const options = tlsOptionsOf(next, Date.now())?.options;
    if (options) (served.server as import('node:https').Server).setSecureContext(options);
  };
  return { ...served, control, clock, reload };
}

function listenWithTls(clientCaFile = lab.ca.certFile, more: Partial<ReceiverConfig['listen']> = {}) {
  const { certFile, key } = lab.receiver;
  return listenConfig({
    tls: { cert_file: certFile, key_file: new Secret(key), client_ca_file: clientCaFile },
    ...more,
  });
}

function withoutClient({ client: _, ...outcome }: Outcome): Outcome {
  return outcome;
}

describe('in the own TLS', () => {
  function askTls(port: number, host?: IssuedCertificate, agent: Agent | false = false, more: string[] = []) {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const client = { ca: lab.ca.certificate.toString(), ...(host && { cert: host.cert, key: host.key }) };
    const outgoing = requestHttps(
      { host: '127.0.0.1', port, agent, ...client, headers: ['Host', 'x', ...more] },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(withoutClient(JSON.parse(text))));
      },
    );
    outgoing.on('error', reject).end();
    return promise;
  }

  test('the right one is its host; none is nobody', async (t) => {
    const { port } = await openReceiver(t, listenWithTls(), true);
    assert.deepEqual(await askTls(port, lab.hosts.right), LAB_1);
    assert.equal((await askTls(port))['code'], 'credential-missing');
  });

  test('a bearer token that is wrong is not made good by a certificate', async (t) => {
    const { port } = await openReceiver(t, listenWithTls(), true);
    const answer = await askTls(port, lab.hosts.right, false, ['Authorization', 'Bearer x']);
    assert.equal(answer['code'], 'credential-invalid');
  });

  test('each wrong one is refused with the reason', async (t) => {
    const { port } = await openReceiver(t, listenWithTls(), true);
    for (const [name, reason] of REASONS) {
      const answer = await askTls(port, lab.hosts[name]);
      assert.equal(answer['code'], 'credential-invalid', name);
      assert.match(String(answer['detail']), reason, name);
    }
  });

  test('what OpenSSL refuses beyond our own judgement is refused, with its reason', async (t) => {
    const { port } = await openReceiver(t, listenWithTls(), true);
    const answer = await askTls(port, lab.ca.issue({ extension: '1.2.3.4=critical,ASN1:UTF8String:x' }));
    assert.equal(answer['code'], 'credential-invalid');
    assert.match(String(answer['detail']), /TLS has not accepted it: unspecified \(openssl verify/);
  });

  test('without authorities no certificate counts', async (t) => {
    const { certFile, key } = lab.receiver;
    const listen = listenConfig({ tls: { cert_file: certFile, key_file: new Secret(key) } });
    const { port } = await openReceiver(t, listen, true);
    assert.match(String((await askTls(port, lab.hosts.right))['detail']), /no authority/);
  });

  test('revoked or expired while the connection lasts: refused at its next request', async (t) => {
    const { port, control, clock } = await openReceiver(t, listenWithTls(), true);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const sockets = new Set<unknown>();
    agent.on('free', (socket: unknown) => sockets.add(socket));
    const ask = () => askTls(port, lab.hosts.right, agent);
    assert.deepEqual(await ask(), LAB_1);
    const now = clock.now;
    clock.add(31);
    assert.match(String((await ask())['detail']), /it expired at/);
    clock.now = now;
    assert.deepEqual(await ask(), LAB_1);
    const identifiers = identifiersOf(lab.hosts.right.certificate);
    await control.putRevokedCertificate({ ...identifiers, revokedAt: clock.wallTime(), reason: 'stolen' });
    assert.match(String((await ask())['detail']), /it was revoked/);
    assert.equal(sockets.size, 1, 'all of it on one connection');
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: a resumed session is judged like any other, and none is resumed after a reload`, async (t) => {
      const { port, control, clock, reload } = await openReceiver(t, listenWithTls(), true);
      const { right } = lab.hosts;
      const first = await rawAsk(port, right, version);
      assert.deepEqual([first.outcome['kind'], first.isReused], ['known', false]);
      const second = await rawAsk(port, right, version, first.session);
      assert.deepEqual([second.outcome, second.isReused], [LAB_1, true]);
      reload(listenWithTls(lab.other.certFile));
      const third = await rawAsk(port, right, version, first.session);
      assert.equal(third.isReused, false);
      assert.match(String(third.outcome['detail']), /no authority/);
      reload(listenWithTls());
      const identifiers = identifiersOf(right.certificate);
      const fresh = await rawAsk(port, right, version);
      await control.putRevokedCertificate({ ...identifiers, revokedAt: clock.wallTime(), reason: 'stolen' });
      const last = await rawAsk(port, right, version, fresh.session);
      assert.equal(last.isReused, true);
      assert.match(String(last.outcome['detail']), /it was revoked/);
    });
  }

  test('what a trusted proxy shows in its own TLS is not the client', async (t) => {
    const { port } = await openReceiver(t, listenWithTls(lab.ca.certFile, { trusted_proxies: ['127.0.0.1'] }), true);
    assert.equal((await askTls(port, lab.hosts.right))['code'], 'credential-missing');
  });

  test('two authorities while one takes over from the other', async (t) => {
    const bundle = join(lab.directory, 'bundle.crt');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(bundle, `# old\n${lab.ca.certificate}# new\n${lab.other.certificate}`);
    const { port } = await openReceiver(t, listenWithTls(bundle), true);
    assert.deepEqual(await askTls(port, lab.hosts.right), LAB_1);
    assert.deepEqual(await askTls(port, lab.other.issue()), LAB_1);
  });
});

/** One request over a socket of its own, so that its session can be taken up again. */
async function rawAsk(
  port: number,
  { cert, key }: IssuedCertificate,
  version: 'TLSv1.2' | 'TLSv1.3',
  session?: Buffer,
): Promise<{ outcome: Outcome; isReused: boolean; session: Buffer }> {
  const ca = lab.ca.certificate.toString();
  const versions = { minVersion: version, maxVersion: version };
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    ca,
    cert,
    key,
    ...versions,
    ...(session && { session }),
  });
  const sessions: Buffer[] = [];
  socket.on('session', (ticket: Buffer) => sessions.push(ticket));
  await once(socket, 'secureConnect');
  const isReused = socket.isSessionReused();
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  const outcome = withoutClient(JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)));
  return { outcome, isReused, session: sessions.at(-1) ?? socket.getSession() ?? Buffer.alloc(0) };
}

function askPlain(port: number, headers: string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const all = ['Host', 'receiver', ...headers];
  const outgoing = requestHttp({ host: '127.0.0.1', port, agent: false, headers: all }, (response) => {
    let text = '';
    response.on('data', (chunk) => {
      text += chunk;
    });
    response.on('end', () => resolve(withoutClient(JSON.parse(text))));
  });
  outgoing.on('error', reject).end();
  return promise;
}

describe('passed on by a proxy, whole', () => {
  const behind = (proxies: string[], clientCaFile: string | undefined = lab.ca.certFile) =>
    listenConfig({ trusted_proxies: proxies, tls: { client_ca_file: clientCaFile } });

  test('the right one is its host, in the header of any name; none is nobody', async (t) => {
    const { port } = await openReceiver(t, behind(['127.0.0.0/8']), false);
    assert.deepEqual(await askPlain(port, ['client-CERT', clientCertHeader(lab.hosts.right)]), LAB_1);
    for (const headers of [[], ['Client-Cert', ''], ['Client-Cert', '::']]) {
      assert.equal((await askPlain(port, headers))['code'], 'credential-missing');
    }
  });

  test('each wrong one is refused with the reason', async (t) => {
    const { port } = await openReceiver(t, behind(['127.0.0.1']), false);
    for (const [name, reason] of REASONS) {
      const answer = await askPlain(port, ['Client-Cert', clientCertHeader(lab.hosts[name])]);
      assert.equal(answer['code'], 'credential-invalid', name);
      assert.match(String(answer['detail']), reason, name);
    }
  });

  test('from anyone else it is no header at all, also a malformed one', async (t) => {
    const { port } = await openReceiver(t, behind(['127.0.0.2']), false);
    for (const value of [clientCertHeader(lab.hosts.right), 'x']) {
      assert.equal((await askPlain(port, ['Client-Cert', value]))['code'], 'credential-missing');
    }
  });

  test('without authorities nothing that a proxy passes on counts', async (t) => {
    const { port } = await openReceiver(t, listenConfig({ trusted_proxies: ['127.0.0.1'] }), false);
    const answer = await askPlain(port, ['Client-Cert', clientCertHeader(lab.hosts.right)]);
    assert.match(String(answer['detail']), /no authority/);
  });

  test('revoked: refused at the next request', async (t) => {
    const { port, control, clock } = await openReceiver(t, behind(['127.0.0.1']), false);
    const { fingerprint } = identifiersOf(lab.hosts.right.certificate);
    const entry = { serial: fingerprint, fingerprint, revokedAt: clock.wallTime(), reason: 'stolen' };
    await control.putRevokedCertificate(entry);
    const answer = await askPlain(port, ['Client-Cert', clientCertHeader(lab.hosts.right)]);
    assert.match(String(answer['detail']), /it was revoked/);
  });

  test('malformed or twice: 400', async (t) => {
    const { port } = await openReceiver(t, behind(['127.0.0.1']), false);
    const { right } = lab.hosts;
    const good = clientCertHeader(right);
    const pem = `:${Buffer.from(right.cert).toString('base64')}:`;
    const longer = `:${Buffer.concat([right.certificate.raw, Buffer.from('x')]).toString('base64')}:`;
    for (const value of ['x', '"lab-1"', ':AAAA:', ':', good.slice(1), `${good}, ${good}`, pem, longer]) {
      assert.equal((await askPlain(port, ['Client-Cert', value]))['code'], 'bad-request', value.slice(0, 20));
    }
    const twice = await askPlain(port, ['Client-Cert', good, 'Client-Cert', good]);
    assert.equal(twice['code'], 'bad-request');
  });
});

describe('passed on by a proxy, described', () => {
  const proxy_headers = {
    certificate: 'Client-Cert',
    subject: 'X-Subject',
    san: 'X-San',
    fingerprint: 'X-Fingerprint',
  };
  const listen = (proxies = ['127.0.0.1']) => listenConfig({ trusted_proxies: proxies, proxy_headers });
  const FINGERPRINT = 'ab'.repeat(32);
  const as = (subject: string, san?: string, fingerprint = FINGERPRINT) => [
    ...['X-Subject', subject, 'X-Fingerprint', fingerprint],
    ...(san === undefined ? [] : ['X-San', san]),
  ];
  const colons = FINGERPRINT.toUpperCase().replace(/..(?!$)/g, '$&:');

  for (const [title, headers, outcome] of [
    ['by its CN', as('CN=lab-1,O=Lab'), 'lab-1'],
    ['with a fingerprint as openssl writes it', as('CN=lab-1', undefined, colons), 'lab-1'],
    ['by its CN whatever the SAN', as('CN=lab-1', 'DNS:lab-2'), 'lab-1'],
    ['by its SAN without a CN', as('O=Lab', 'DNS:lab-1'), 'lab-1'],
    ['by its SAN without a subject', as('', 'lab-1'), 'lab-1'],
    ['two SANs', as('O=Lab', 'DNS:lab-1, DNS:lab-2'), 'credential-invalid'],
    ['a SAN of another kind', as('O=Lab', 'IP Address:10.0.0.1'), 'credential-invalid'],
    ['a SAN that hides in another', as('O=Lab', 'URI:x,DNS:lab-1'), 'credential-invalid'],
    ['a CN that is no host id, and a SAN that is', as('CN=a b', 'DNS:lab-1'), 'credential-invalid'],
    ['neither', as('O=Lab'), 'credential-invalid'],
    ['two CNs', as('CN=lab-1,CN=lab-1'), 'credential-invalid'],
    ['no subject of RFC 4514', as('lab-1'), 'bad-request'],
    ['no fingerprint', ['X-Subject', 'CN=lab-1'], 'bad-request'],
    ['a fingerprint by SHA-1', as('CN=lab-1', undefined, 'ab'.repeat(20)), 'bad-request'],
    ['the subject twice', [...as('CN=lab-1'), 'X-Subject', 'CN=lab-1'], 'bad-request'],
    ['the fingerprint twice', [...as('CN=lab-1'), 'X-Fingerprint', FINGERPRINT], 'bad-request'],
    ['the SAN twice', [...as('O=Lab', 'lab-1'), 'X-San', 'lab-1'], 'bad-request'],
    ['empty', as('', '', ''), 'credential-missing'],
    ['none', [], 'credential-missing'],
  ] as [string, string[], string][]) {
    test(`${title}: ${outcome}`, async (t) => {
      const { port } = await openReceiver(t, listen(), false);
      const answer = await askPlain(port, headers);
      assert.equal((answer['principal'] as { hostId?: string } | undefined)?.hostId ?? answer['code'], outcome);
    });
  }

  test('the whole certificate is not read then', async (t) => {
    const { port } = await openReceiver(t, listen(), false);
    const answer = await askPlain(port, ['Client-Cert', clientCertHeader(lab.hosts.right)]);
    assert.equal(answer['code'], 'credential-missing');
  });

  test('from anyone else none of it counts', async (t) => {
    const { port } = await openReceiver(t, listen(['10.0.0.0/8']), false);
    assert.equal((await askPlain(port, as('CN=lab-1')))['code'], 'credential-missing');
  });

  test('revoked by its fingerprint', async (t) => {
    const { port, control, clock } = await openReceiver(t, listen(), false);
    const entry = { serial: '0a', fingerprint: FINGERPRINT, revokedAt: clock.wallTime(), reason: 'stolen' };
    await control.putRevokedCertificate(entry);
    assert.match(String((await askPlain(port, as('CN=lab-1', undefined, colons)))['detail']), /it was revoked/);
  });
});
