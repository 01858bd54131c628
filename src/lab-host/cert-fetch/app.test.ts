import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EstServer, type Issue, makeAuthority } from '../../../test/support/est-server.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import { HostIdentity } from './cert-fetch.fixture.ts';

const DAY_MS = 86_400_000;

function pairOf({ root }: HostIdentity): { certificate: X509Certificate; isPair: boolean } {
  const at = (name: string) => readFileSync(join(root, 'current', name), 'utf8');
  const certificate = new X509Certificate(at('host.crt'));
  return { certificate, isPair: certificate.checkPrivateKey(createPrivateKey(at('host.key'))) };
}

function stateOf({ root }: HostIdentity) {
  return JSON.parse(readFileSync(join(root, 'cert-state.json'), 'utf8'));
}

const lastRequest = ({ server }: HostIdentity) => server.requests.at(-1);

describe('enrolment', () => {
  test('with a token: a key of mode 0600, a certificate for it, and nothing of it left over', async (t) => {
    const host = await HostIdentity.create(t);
    const { result } = await host.fetch({ token: host.server.addToken() });
    assert.equal(result, 'enrolled');
    const { certificate, isPair } = pairOf(host);
    assert.ok(isPair);
    assert.equal(certificate.subject, 'CN=lab-1');
    assert.equal(statSync(join(host.root, 'current/host.key')).mode & 0o777, 0o600);
    assert.equal(statSync(join(host.root, '1')).mode & 0o777, 0o700);
    assert.equal(readlinkSync(join(host.root, 'current')), '1');
    assert.deepEqual(readdirSync(join(host.root, 'next')), []);
    assert.deepEqual(host.server.requests, [
      'GET /.well-known/est/cacerts by nobody',
      'POST /.well-known/est/simpleenroll by token',
    ]);
    assert.equal(stateOf(host).result, 'enrolled');
  });

  test('without a token says who makes one', async (t) => {
    const host = await HostIdentity.create(t);
    await assert.rejects(host.fetch(), { code: 'not-enrolled', hint: /cis490 ca token --host lab-1/ });
    assert.deepEqual(host.server.requests, []);
  });

  test('what kept it is told also where it cannot be written down', async (t) => {
    const host = await HostIdentity.create(t);
    mkdirSync(join(host.root, 'cert-state.json'));
    await assert.rejects(host.fetch(), { code: 'not-enrolled' });
    assert.match(host.lines.join(''), /the failure could not be written down/);
  });

  test('a lost answer costs nothing: the same key asks again', async (t) => {
    const host = await HostIdentity.create(t);
    const token = host.server.addToken();
    host.server.answersToLose = 1;
    await assert.rejects(host.fetch({ token }));
    const { failures, result } = stateOf(host);
    assert.deepEqual([result, failures], ['failed', 1]);
    await host.fetch({ token });
    const [lost, had] = host.server.issued;
    assert.ok(lost && had && lost.publicKey.equals(had.publicKey));
    assert.equal(stateOf(host).failures, undefined);
  });

  test('a token that another key was enrolled with is told with the next command', async (t) => {
    const host = await HostIdentity.create(t);
    const token = host.server.addToken();
    host.server.answersToLose = 1;
    await assert.rejects(host.fetch({ token }));
    rmSync(join(host.root, 'next/host.key'));
    await assert.rejects(host.fetch({ token }), {
      code: 'token-refused',
      hint: /first key.*on the receiver: cis490 ca token --host lab-1/,
    });
    assert.ok(!readFileSync(join(host.root, 'cert-state.json'), 'utf8').includes(token));
  });

  test('no token goes to one whom the authority does not vouch for', async (t) => {
    const host = await HostIdentity.create(t);
    const other = await EstServer.start();
    t.after(() => other.close());
    await assert.rejects(host.fetch({ token: 'secret', estUrl: other.url }), { code: 'certificate-untrusted' });
    assert.deepEqual(other.requests, []);
  });

  test('nothing is asked in the clear', async (t) => {
    const host = await HostIdentity.create(t);
    await assert.rejects(host.fetch({ token: 'secret', estUrl: 'http://receiver.example' }), { code: 'bad-config' });
  });
});

describe('renewal', () => {
  test('before it is due nobody is asked within a day', async (t) => {
    const host = await HostIdentity.enrolled(t);
    host.server.requests.length = 0;
    assert.equal((await host.fetch()).result, 'current');
    host.passDays(0.9);
    assert.equal((await host.fetch()).result, 'current');
    assert.deepEqual(host.server.requests, []);
    host.passDays(0.2);
    assert.equal((await host.fetch()).result, 'current');
    assert.deepEqual(host.server.requests, ['GET /.well-known/est/cacerts by nobody'], 'authorities once a day');
  });

  test('when it is due: by the certificate, with a new key; the pair before stays, older ones go', async (t) => {
    const host = await HostIdentity.enrolled(t);
    const first = pairOf(host).certificate;
    host.passDays(60);
    assert.equal((await host.fetch()).result, 'renewed');
    assert.equal(lastRequest(host), 'POST /.well-known/est/simplereenroll by certificate');
    const second = pairOf(host);
    assert.ok(second.isPair && !second.certificate.publicKey.equals(first.publicKey));
    assert.deepEqual(
      readdirSync(host.root).filter((name) => /^\d/.test(name)),
      ['1', '2'],
    );
    await host.fetch({ force: true });
    assert.deepEqual(
      readdirSync(host.root).filter((name) => /^\d/.test(name)),
      ['2', '3'],
    );
    assert.equal(readlinkSync(join(host.root, 'current')), '3');
  });

  test('after expiry the old key speaks for it', async (t) => {
    const host = await HostIdentity.enrolled(t);
    host.passDays(100);
    assert.equal((await host.fetch()).result, 'renewed');
    assert.equal(lastRequest(host), 'POST /.well-known/est/simplereenroll by old key');
    assert.ok(pairOf(host).isPair);
  });

  for (const [what, days] of [
    ['in 1970', -56 * 365],
    ['a year ahead', 365],
  ] as const) {
    test(`a clock that is ${what} renews nothing that the receiver's says is not due`, async (t) => {
      const host = await HostIdentity.enrolled(t);
      host.clockOffMs = days * DAY_MS;
      assert.equal((await host.fetch()).result, 'current');
      assert.equal(lastRequest(host), 'GET /.well-known/est/cacerts by nobody');
      host.server.clockOffMs = 60 * DAY_MS;
      assert.equal((await host.fetch({ force: true })).result, 'renewed');
    });
  }

  test('one that was revoked is told to take a new token, which then enrols it', async (t) => {
    const host = await HostIdentity.enrolled(t);
    const before = readlinkSync(join(host.root, 'current'));
    host.server.revoked.add(pairOf(host).certificate.fingerprint256);
    await assert.rejects(host.fetch({ force: true }), {
      code: 'renewal-refused',
      hint: /revoked.*cis490 ca token --host lab-1.*cert-fetch --token-file/,
    });
    assert.equal(readlinkSync(join(host.root, 'current')), before, 'the old one stays');
    assert.equal((await host.fetch({ token: host.server.addToken() })).result, 'enrolled');
    assert.ok(pairOf(host).isPair);
  });

  const otherKey = async (wanted: Issue): Promise<Issue> => {
    const curve = { name: 'ECDSA', namedCurve: 'P-256' };
    const { publicKey } = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);
    return { ...wanted, publicKey };
  };
  for (const [what, spoil, why] of [
    ['for another key', otherKey, /for the key of this host/],
    ['for another host', (wanted: Issue) => ({ ...wanted, hostId: 'lab-2' }), /it is for "lab-2"/],
    ['that has expired', (wanted: Issue) => ({ ...wanted, untilMs: Date.now() - 1000 }), /the receiver's clock says/],
    ['of tomorrow', (wanted: Issue) => ({ ...wanted, fromMs: Date.now() + DAY_MS }), /the receiver's clock says/],
    [
      'of an authority that is not trusted',
      async (wanted: Issue) => ({ ...wanted, authority: await makeAuthority('Lab CA') }),
      /none of the authorities/,
    ],
  ] as const) {
    test(`an answer ${what} is not put in force, and asked for anew`, async (t) => {
      const host = await HostIdentity.enrolled(t);
      host.server.spoil = spoil;
      await assert.rejects(host.fetch({ force: true }), { code: 'certificate-unusable', message: why });
      assert.equal(readlinkSync(join(host.root, 'current')), '1');
      host.server.spoil = undefined;
      assert.equal((await host.fetch({ force: true })).result, 'renewed');
      assert.ok(pairOf(host).isPair);
    });
  }

  test('a damaged pair in force gives way to the one before it', async (t) => {
    const host = await HostIdentity.enrolled(t);
    await host.fetch({ force: true });
    writeFileSync(join(host.root, 'current/host.crt'), '');
    assert.equal((await host.fetch()).result, 'current');
    assert.equal(readlinkSync(join(host.root, 'current')), '1');
    assert.equal((await host.fetch({ force: true })).result, 'renewed');
  });

  test('a second run at the same time is refused', async (t) => {
    const host = await HostIdentity.enrolled(t);
    const lock = acquireExclusiveLock(host.root, 'cert-fetch');
    t.after(() => lock.release());
    await assert.rejects(host.fetch(), { code: 'already-running' });
  });
});

describe('what keeps it from a certificate is told with its cure', () => {
  test('a receiver without an authority', async (t) => {
    const host = await HostIdentity.enrolled(t);
    host.server.answerAll = (response) => response.writeHead(404).end();
    await assert.rejects(host.fetch({ force: true }), {
      code: 'no-authority',
      hint: /on the receiver: cis490 ca init/,
    });
  });

  test('a page in place of an answer', async (t) => {
    const host = await HostIdentity.enrolled(t);
    host.server.answerAll = (response) => response.end('<html>log in</html>');
    await assert.rejects(host.fetch({ force: true }), { code: 'est-malformed' });
  });

  test('a receiver that has no time now', async (t) => {
    const host = await HostIdentity.enrolled(t);
    host.server.answerAll = (response) => response.writeHead(503).end();
    await assert.rejects(host.fetch({ force: true }), { code: 'http-503', retryable: true });
  });

  test('a receiver that is away, on its layer', async (t) => {
    const host = await HostIdentity.enrolled(t);
    host.server.close();
    await assert.rejects(host.fetch({ force: true }), { code: 'econnrefused', message: /\(tcp\)/, hint: /systemctl/ });
    const { result, code, detail, cure, renewal_due_wall } = stateOf(host);
    assert.deepEqual([result, code], ['failed', 'econnrefused']);
    assert.ok(detail && cure && renewal_due_wall);
  });

  test('authorities here that are none', async (t) => {
    const host = await HostIdentity.enrolled(t);
    writeFileSync(join(host.root, 'ca.crt'), 'nothing');
    await assert.rejects(host.fetch({ force: true }), { code: /bad-authorities|certificate-untrusted/ });
  });
});

describe('a new authority', () => {
  test('is learnt over a connection of the old, and its certificates count; what has expired goes', async (t) => {
    const host = await HostIdentity.enrolled(t);
    const next = await makeAuthority('Lab CA 2', -1, 3650);
    host.server.told = [host.server.authority.certificate, next.certificate];
    host.server.signing = next;
    assert.equal((await host.fetch({ force: true })).result, 'renewed');
    const count = () => readFileSync(join(host.root, 'ca.crt'), 'utf8').match(/BEGIN CERTIFICATE/g)?.length;
    assert.equal(count(), 2);
    assert.equal(pairOf(host).certificate.issuer, 'CN=Lab CA 2');
    host.passDays(500);
    // The server's own certificate is by now of no date that this machine's clock takes: only what is merged counts here.
    host.server.told = [next.certificate];
    await host.fetch({ force: true }).catch(() => undefined);
    assert.equal(count(), 1);
  });

  test('that is told by a stranger is not', async (t) => {
    const host = await HostIdentity.enrolled(t);
    const stranger = await EstServer.start();
    t.after(() => stranger.close());
    const before = readFileSync(join(host.root, 'ca.crt'), 'utf8');
    await assert.rejects(host.fetch({ force: true, estUrl: stranger.url }), { code: 'certificate-untrusted' });
    assert.equal(readFileSync(join(host.root, 'ca.crt'), 'utf8'), before);
  });
});

test('what a kill left of a key that was being written goes with the next key', async (t) => {
  const host = await HostIdentity.enrolled(t);
  writeFileSync(join(host.root, 'next/host.key.tmp'), '-----BEGIN PRIV', { mode: 0o600 });
  assert.equal((await host.fetch({ force: true })).result, 'renewed');
  assert.ok(pairOf(host).isPair);
  assert.deepEqual(readdirSync(join(host.root, 'next')), []);
});

test('a key that waits and is none is made anew', async (t) => {
  const host = await HostIdentity.enrolled(t);
  writeFileSync(join(host.root, 'next/host.key'), 'nothing');
  assert.equal((await host.fetch({ force: true })).result, 'renewed');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(join(host.root, 'next/host.key'), rsa);
  assert.equal((await host.fetch({ force: true })).result, 'renewed');
  assert.ok(pairOf(host).isPair);
});
