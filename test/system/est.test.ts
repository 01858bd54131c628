// The receiver as its fleet's certificate authority, by the real commands, openssl and curl.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { TestAuthority } from '../support/certificates.ts';
import { base64Of, certificatesIn, EstLab, type HostFiles, openssl } from '../support/est-lab.ts';
import { canFakeTime, SteppingClock } from '../support/fake-clock.ts';
import { eventually, Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const NAMES = ['--name', 'localhost', '--name', '127.0.0.1'];

function certOf({ cert }: HostFiles): X509Certificate {
  return new X509Certificate(readFileSync(cert));
}

test('a host enrols with openssl and curl, and is that host from then on', async (t) => {
  const lab = await EstLab.create(t);
  const made = await lab.ca(['init', ...NAMES]);
  assert.equal(made.code, 0, made.stderr);
  for (const [name, mode] of [
    ['ca', 0o700],
    ['ca/current/ca.key', 0o600],
    ['ca/server/server.key', 0o600],
    ['ca/server', 0o700],
  ] as const) {
    assert.equal(statSync(join(lab.store, name)).mode & 0o777, mode, name);
  }
  const again = await lab.ca(['init', '--name', 'other']);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /there is an authority .*localhost, 127\.0\.0\.1\n.*cis490 ca server-certificate/);
  openssl('verify', '-CAfile', lab.trusted, '-purpose', 'sslserver', join(lab.store, 'ca/server/server.crt'));

  await lab.start();
  const cacerts = lab.curl('/.well-known/est/cacerts');
  assert.equal(cacerts.status, 200);
  assert.match(cacerts.headers, /content-type: application\/pkcs7-mime; smime-type=certs-only/i);
  assert.match(cacerts.headers, /content-transfer-encoding: base64/i);
  const [authority = ''] = certificatesIn(cacerts.body);
  const fingerprint = new X509Certificate(authority).fingerprint256.replaceAll(':', '').toLowerCase();
  assert.equal(made.stdout, `${fingerprint}\n`);

  const host = lab.host('lab-1');
  const { token, ca_fingerprint } = await lab.token('lab-1');
  assert.equal(ca_fingerprint, fingerprint);
  const answer = lab.enrol(host, token);
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.headers, /content-type: application\/pkcs7-mime; smime-type=certs-only/i);
  assert.equal(certificatesIn(answer.body).length, 2, 'with its chain');
  openssl('verify', '-CAfile', lab.trusted, '-purpose', 'sslclient', host.cert);
  assert.equal(certOf(host).subject, 'CN=lab-1');
  const ping = lab.curl('/v1/ping', { cert: host, post: '' });
  assert.deepEqual([ping.status, ping.json['host_id']], [200, 'lab-1']);

  // The answer was lost: the same key again, and with line breaks in the request. Another key, or a token that nobody made: no.
  assert.equal(lab.enrol(host, token).status, 200);
  const broken = base64Of(host.csr).replace(/.{64}/g, '$&\r\n');
  assert.equal(lab.curl('/.well-known/est/simpleenroll', { post: broken, token }).status, 200);
  const other = lab.enrol(lab.host('lab-1', 'other'), token);
  assert.deepEqual([other.status, other.json['code']], [401, 'credential-invalid']);
  assert.match(other.headers, /www-authenticate: basic realm="cis490"/i);
  assert.match(
    String(other.json['detail']),
    /has enrolled another key already; make another: cis490 ca token --host lab-1/,
  );
  assert.equal(lab.enrol(host, 'cis490_enrol_guessed').status, 401);
  assert.equal(lab.curl('/.well-known/est/simpleenroll', { post: base64Of(host.csr) }).status, 401);

  // The token is good for nothing else.
  for (const path of ['/v1/ping', '/v1/heartbeat'])
    assert.equal(lab.curl(path, { token, post: '{}' }).status, 403, path);
  for (const path of ['/v1/fleet', '/v1/index', '/v1/alerts'])
    assert.equal(lab.curl(path, { token }).status, 403, path);

  const next = lab.host('lab-1', 'next');
  assert.equal(lab.renew(host, next).status, 200);
  openssl('verify', '-CAfile', lab.trusted, '-purpose', 'sslclient', next.cert);
  const listed = JSON.parse((await lab.ca(['list', '--json'])).stdout);
  assert.deepEqual(
    listed.certificates.map((it: { host_id: string; state: string; occasion: string }) => [
      it.host_id,
      it.state,
      it.occasion.slice(0, 7),
    ]),
    [['lab-1', 'valid', 'renewal'], ...Array.from({ length: 3 }, () => ['lab-1', 'superseded', 'token e'])],
  );
  assert.deepEqual(
    listed.tokens.map((it: { state: string }) => it.state),
    ['used'],
  );

  const revoked = await lab.ca(['revoke', '--host', 'lab-1', '--why', 'stolen']);
  assert.match(revoked.stderr, /lab-1: 4 certificates and 1 tokens revoked/);
  for (const each of [host, next]) {
    assert.equal(lab.curl('/v1/ping', { cert: each, post: '' }).status, 401);
    assert.equal(lab.renew(each, next).status, 401);
    assert.match(
      String(lab.renewByOldKey(each, next).json['detail']),
      /revoked; make a token: cis490 ca token --host lab-1/,
    );
  }
  assert.match(String(lab.enrol(host, token).json['detail']), /was revoked; make another/);
  const back = lab.host('lab-1', 'back');
  assert.equal(lab.enrol(back, (await lab.token('lab-1')).token).status, 200);
  assert.equal(lab.curl('/v1/ping', { cert: back, post: '' }).status, 200);
});

describe('what is refused', () => {
  const BAD: [what: string, newkey: string[], detail: RegExp][] = [
    [
      'P-521',
      ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
      /this kind of key is not certified here; good are EC P-256/,
    ],
    ['RSA of 1024 bits', ['rsa:1024'], /this kind of key is not certified here/],
  ];
  const GOOD: [what: string, newkey: string[]][] = [
    ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['RSA of 2048 bits', ['rsa:2048']],
    ['Ed25519', ['ed25519']],
  ];

  test('keys of other kinds, and bodies that are no request', async (t) => {
    const lab = await EstLab.create(t);
    assert.equal((await lab.ca(['init', ...NAMES])).code, 0);
    await lab.start();
    for (const [what, newkey] of GOOD) {
      const host = lab.host('lab-2', what.replaceAll(' ', '-'), newkey);
      assert.equal(lab.enrol(host, (await lab.token('lab-2')).token).status, 200, what);
      assert.equal(lab.curl('/v1/ping', { cert: host, post: '' }).status, 200, what);
    }
    const { token } = await lab.token('lab-1');
    const enrol = (post: string) => lab.curl('/.well-known/est/simpleenroll', { post, token });
    for (const [what, newkey, detail] of BAD) {
      const answer = enrol(base64Of(lab.host('lab-1', what.replaceAll(' ', '-'), newkey).csr));
      assert.deepEqual([answer.status, answer.json['code']], [400, 'bad-body'], what);
      assert.match(String(answer.json['detail']), detail);
    }
    const good = lab.host('lab-1');
    const der = readFileSync(good.csr);
    const forged = Buffer.from(der);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    for (const [what, body, detail] of [
      [
        'another signature',
        forged.toString('base64'),
        /the signature of the certificate request is not that of its key/,
      ],
      ['half of it', der.subarray(0, 90).toString('base64'), /no certificate request/],
      ['PEM', openssl('req', '-inform', 'DER', '-in', good.csr), /in base64, without any armour/],
      ['nothing', '', /in base64/],
      [
        'a certificate',
        new X509Certificate(readFileSync(lab.trusted)).raw.toString('base64'),
        /no certificate request/,
      ],
    ] as const) {
      const answer = enrol(body);
      assert.deepEqual([answer.status, answer.json['code']], [400, 'bad-body'], what);
      assert.match(String(answer.json['detail']), detail, what);
    }
    assert.equal(enrol('A'.repeat(30_000)).status, 413);
    // None of them has used up the token.
    assert.equal(lab.enrol(good, token).status, 200);
  });

  test('certificates of another authority, and old ones that are not proved', async (t) => {
    const lab = await EstLab.create(t);
    assert.equal((await lab.ca(['init', ...NAMES])).code, 0);
    await lab.start();
    const [host, stranger] = [lab.host('lab-1'), lab.host('lab-1', 'stranger')];
    assert.equal(lab.enrol(host, (await lab.token('lab-1')).token).status, 200);
    const issued = TestAuthority.create(join(temporaryDirectory(t), 'foreign')).issue({ subject: '/CN=lab-1' });
    const foreign = { ...stranger, key: issued.keyFile, cert: issued.certFile };
    assert.match(
      String(lab.renew(foreign, host).json['detail']),
      /no authority that this receiver knows has issued it/,
    );
    assert.match(String(lab.renewByOldKey(foreign, host).json['detail']), /no authority of this receiver/);
    const unproved = lab.renewByOldKey(host, stranger, {}, stranger);
    assert.match(String(unproved.json['detail']), /X-Cis490-Old-Key-Signature is not its key's signature/);
    assert.equal(lab.renewByOldKey(host, stranger).status, 200);
    const path = '/.well-known/est/simplereenroll';
    const half = lab.curl(path, { post: base64Of(host.csr), headers: ['X-Cis490-Old-Certificate: AAAA'] });
    assert.deepEqual([half.status, half.json['code']], [400, 'bad-request']);
    const none = lab.curl(path, { post: base64Of(host.csr) });
    assert.deepEqual([none.status, none.json['code']], [401, 'credential-missing']);
  });

  test('everything, where there is no authority', async (t) => {
    const lab = await EstLab.create(t);
    const toml = readFileSync(lab.config, 'utf8').replace(/\[listen\.tls\][^[]*/, '');
    writeFileSync(lab.config, toml);
    await lab.start();
    const path = `http://localhost:${lab.port}/.well-known/est/cacerts`;
    const answer = await fetch(path);
    assert.equal(answer.status, 404);
    assert.match(JSON.stringify(await answer.json()), /no certificate authority; .*cis490 ca init/);
    // Made while the receiver runs, it is there without a reload.
    assert.equal((await lab.ca(['init', ...NAMES])).code, 0);
    await eventually(async () => (await fetch(path)).status === 200, 'cacerts is answered');
  });
});

test('a certificate that expired while the machine was off is renewed by its old key', async (t) => {
  if (!canFakeTime(t)) return;
  const lab = await EstLab.create(t, '[certificates]\nhost_lifetime_days = "2 s"\n');
  assert.equal((await lab.ca(['init', ...NAMES])).code, 0);
  const clock = new SteppingClock(join(lab.root, 'clock'), '+0d');
  await lab.start(clock.environment);
  const { environment } = clock;
  const [host, next] = [lab.host('lab-1'), lab.host('lab-1', 'next')];
  assert.equal(lab.enrol(host, (await lab.token('lab-1')).token, { environment }).status, 200);
  clock.set('+30d');
  const expired = lab.renew(host, next, { environment });
  assert.equal(expired.status, 401);
  assert.match(String(expired.json['detail']), /it expired at 20/);
  assert.equal(lab.renewByOldKey(host, next, { environment }).status, 200);
  const certificate = certOf(next);
  assert.equal(certificate.validToDate.getTime() - certificate.validFromDate.getTime(), 302_000);
  assert.match((await lab.ca(['list'], environment)).stdout, /renewal after expiry/);
});

test("the receiver's own certificate is renewed while it runs", async (t) => {
  if (!canFakeTime(t)) return;
  const lab = await EstLab.create(t, '[certificates]\nserver_lifetime_days = 3\n');
  assert.equal((await lab.ca(['init', ...NAMES])).code, 0);
  const path = join(lab.store, 'ca/server/server.crt');
  const first = new X509Certificate(readFileSync(path)).serialNumber;
  const clock = new SteppingClock(join(lab.root, 'clock'), '+47h');
  await lab.start(clock.environment);
  // It has looked at its start, and seen that nothing is due.
  assert.equal(lab.curl('/.well-known/est/cacerts', clock).status, 200);
  await lab.receiver?.stop();
  assert.equal(new X509Certificate(readFileSync(path)).serialNumber, first);
  clock.set('+49h');
  const receiver = await lab.start(clock.environment);
  await receiver.printed(/the receiver's certificate was renewed/);
  await receiver.printed(/certificates read again/);
  const renewed = new X509Certificate(readFileSync(path));
  assert.notEqual(renewed.serialNumber, first);
  clock.set('+100h');
  assert.equal(lab.curl('/.well-known/est/cacerts', clock).status, 200, 'it is the one that is shown');
});

test('the authority is replaced while the receiver runs and hosts come and go', async (t) => {
  const lab = await EstLab.create(t);
  assert.equal((await lab.ca(['init', ...NAMES])).code, 0);
  const receiver = await lab.start();
  const [one, two] = [lab.host('lab-1'), lab.host('lab-2')];
  for (const host of [one, two]) assert.equal(lab.enrol(host, (await lab.token(host.hostId)).token).status, 200);
  const oldCa = join(lab.root, 'old-ca.crt');
  writeFileSync(oldCa, readFileSync(lab.trusted));

  // The receiver has just looked at its authority.
  assert.equal(lab.curl('/healthz', { ca: oldCa }).status, 200);
  assert.equal((await lab.ca(['renew-ca'])).code, 0);
  const cacerts = () => lab.curl('/.well-known/est/cacerts', { ca: oldCa });
  // Whoever knows the old authority alone comes in, and learns the new one at once.
  assert.equal(certificatesIn(cacerts().body).length, 2, 'both are told');
  const twice = await lab.ca(['renew-ca']);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /being replaced already.*\n.*cis490 ca renew-ca --finish/);
  const renewed = lab.host('lab-1', 'renewed');
  assert.equal(lab.renew(one, renewed, { ca: oldCa }).status, 200);
  const newCa = join(lab.root, 'new-ca.crt');
  writeFileSync(newCa, certificatesIn(cacerts().body).find((pem) => !readFileSync(oldCa, 'utf8').includes(pem)) ?? '');
  openssl('verify', '-CAfile', newCa, renewed.cert);
  for (const host of [one, two, renewed]) assert.equal(lab.curl('/v1/ping', { cert: host, post: '' }).status, 200);

  const refused = await lab.ca(['renew-ca', '--finish']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /these hosts would be cut off: lab-2\n.*--finish --force/);
  assert.equal(lab.renew(two, two).status, 200);
  assert.equal((await lab.ca(['renew-ca', '--finish'])).code, 0);
  await eventually(() => lab.curl('/healthz', { ca: newCa }).status === 200, 'its certificate is under the new one');
  assert.equal(lab.curl('/healthz', { ca: oldCa }).status, 0);
  for (const host of [two, renewed]) assert.equal(lab.curl('/v1/ping', { cert: host, post: '' }).status, 200);
  assert.equal(lab.curl('/v1/ping', { cert: one, post: '' }).status, 401);
  assert.match(String(lab.renewByOldKey(one, one).json['detail']), /no authority of this receiver/);
  assert.equal((await lab.ca(['renew-ca', '--finish'])).code, 0, 'again: nothing to do');
  assert.equal(receiver.child.exitCode, null);
});

test('SIGHUP puts a changed set in force with the configuration', async (t) => {
  const lab = await EstLab.create(t);
  assert.equal((await lab.ca(['init', ...NAMES])).code, 0);
  const receiver = await lab.start();
  const named = await lab.ca(['server-certificate', '--name', 'localhost', '--name', 'other.lab']);
  assert.equal(named.code, 0, named.stderr);
  receiver.signal('SIGHUP');
  await receiver.printed(/configuration, tokens and certificates read again/);
  const shown = Program.command('openssl', [
    's_client',
    '-connect',
    `localhost:${lab.port}`,
    '-servername',
    'other.lab',
  ]);
  await shown.ended;
  assert.match(
    openssl('x509', '-in', join(lab.store, 'ca/server/server.crt'), '-noout', '-ext', 'subjectAltName'),
    /other\.lab/,
  );
  const [leaf = ''] = shown.stdout.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/) ?? [];
  assert.match(new X509Certificate(leaf).subjectAltName ?? '', /DNS:other\.lab/);
});
