import assert from 'node:assert/strict';
import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { certificateFingerprint } from '../../protocol/est.ts';
import { examineCertificate, judgeCertificate } from '../identity/judge-certificate.ts';
import {
  type AuthorityBench,
  authorityBench,
  type HostKey,
  hostKey,
  makeCsr,
  oldKeySignature,
  putToken,
  termsOf,
} from './certificates.fixture.ts';
import type { Enrolled } from './enroller.ts';
import { finishRenewal, renewAuthority } from './manage-authority.ts';
import { revokeHost } from './manage-enrolments.ts';
import { readCsr } from './read-csr.ts';

function certificateOf(enrolled: Enrolled): X509Certificate {
  assert.equal(enrolled.kind, 'issued', JSON.stringify(enrolled));
  const [certificate] = enrolled.kind === 'issued' ? enrolled.chain : [];
  assert.ok(certificate);
  return certificate;
}

function detailOf(enrolled: Enrolled): string {
  assert.equal(enrolled.kind, 'refused');
  return enrolled.kind === 'refused' ? `${enrolled.code}: ${enrolled.detail}` : '';
}

async function enrolled(
  t: TestContext,
): Promise<{ bench: AuthorityBench; key: HostKey; certificate: X509Certificate }> {
  const bench = await authorityBench(t);
  const key = await hostKey();
  const token = await putToken(bench, 'e-1', 'lab-1');
  return { bench, key, certificate: certificateOf(await bench.enroller.enrol(token, key.csr, termsOf(bench))) };
}

function renewByOldKey({ enroller, ...bench }: AuthorityBench, old: X509Certificate, oldKey: HostKey, next: HostKey) {
  const signature = oldKeySignature(oldKey.privateKey, next.csr.der);
  return enroller.renewByOldKey({ certificate: old, signature }, next.csr, termsOf({ enroller, ...bench }));
}

describe('what is issued', () => {
  test('is for the host and its key, for clients alone, in its dates, and on record', async (t) => {
    const { bench, key, certificate } = await enrolled(t);
    const { current } = termsOf(bench).authority;
    const nowMs = bench.clock.now.epochMilliseconds;
    assert.deepEqual(judgeCertificate(examineCertificate(certificate, [current.certificate]), nowMs), {
      kind: 'good',
      hostId: 'lab-1',
    });
    assert.equal(certificate.subject, 'CN=lab-1');
    assert.equal(certificate.subjectAltName, undefined);
    assert.deepEqual([certificate.ca, certificate.keyUsage], [false, ['1.3.6.1.5.5.7.3.2']]);
    assert.ok(certificate.publicKey.equals(key.publicKey));
    assert.match(certificate.serialNumber, /^[0-7][0-9A-F]{31}$/);
    const fromMs = certificate.validFromDate.getTime();
    assert.ok(nowMs - fromMs >= 5 * 60_000 && nowMs - fromMs < 5 * 60_000 + 1000);
    assert.ok(Math.abs(certificate.validToDate.getTime() - nowMs - 90 * 86_400_000) <= 1000);
    const [row, ...more] = await bench.enrolments.listIssued('lab-1');
    assert.deepEqual(more, []);
    assert.deepEqual(
      [row?.serial, row?.fingerprint, row?.keySha256, row?.authority, row?.occasion],
      [
        certificate.serialNumber.toLowerCase(),
        certificateFingerprint(certificate),
        key.csr.keySha256,
        current.fingerprint,
        'token e-1',
      ],
    );
    assert.equal(Date.parse(row?.notAfter ?? ''), certificate.validToDate.getTime());
  });

  test('never outlives its authority', async (t) => {
    const bench = await authorityBench(t);
    bench.clock.add(3649);
    const token = await putToken(bench, 'e-1', 'lab-1');
    const { current } = termsOf(bench).authority;
    const certificate = certificateOf(await bench.enroller.enrol(token, (await hostKey()).csr, termsOf(bench)));
    assert.equal(certificate.validTo, current.certificate.validTo);
    bench.clock.add(2);
    const late = await putToken(bench, 'e-2', 'lab-2');
    await assert.rejects(bench.enroller.enrol(late, (await hostKey()).csr, termsOf(bench)), { code: 'not-ready' });
  });

  test('whatever the request says of its subject', async (t) => {
    const bench = await authorityBench(t);
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const token = await putToken(bench, 'e-1', 'lab-1');
    const names = fc.oneof(
      fc.constantFrom('CN=lab-2', 'CN=lab-2, CN=lab-1', 'O=lab-1', ''),
      fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/).map((name) => `CN=${name}, OU=x`),
    );
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        const read = await readCsr(Buffer.from(await makeCsr(keys, name)));
        assert.equal(read.kind, 'csr');
        if (read.kind !== 'csr') return;
        const certificate = certificateOf(await bench.enroller.enrol(token, read.csr, termsOf(bench)));
        assert.equal(certificate.subject, 'CN=lab-1');
        assert.deepEqual([certificate.ca, certificate.subjectAltName], [false, undefined]);
        assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
      }),
      { numRuns: 20 },
    );
  });
});

describe('a token', () => {
  test('answers its first key again and again, and no other', async (t) => {
    const { bench, key, certificate } = await enrolled(t);
    const [token] = await bench.enrolments.listTokens();
    assert.ok(token);
    const again = certificateOf(await bench.enroller.enrol(token, key.csr, termsOf(bench)));
    assert.notEqual(again.serialNumber, certificate.serialNumber);
    assert.ok(again.publicKey.equals(key.publicKey));
    const other = await bench.enroller.enrol(token, (await hostKey()).csr, termsOf(bench));
    assert.match(
      detailOf(other),
      /^credential-invalid: .*e-1 has enrolled another key already; .*ca token --host lab-1/,
    );
    assert.equal((await bench.enrolments.listIssued()).length, 2);
  });

  test('of several keys at once enrols one', async (t) => {
    const bench = await authorityBench(t);
    const token = await putToken(bench, 'e-1', 'lab-1');
    const keys = await Promise.all(Array.from({ length: 5 }, () => hostKey()));
    const outcomes = await Promise.all(keys.map(({ csr }) => bench.enroller.enrol(token, csr, termsOf(bench))));
    assert.equal(outcomes.filter(({ kind }) => kind === 'issued').length, 1);
    assert.equal((await bench.enrolments.listIssued()).length, 1);
  });

  test('that is older than the revocation of its host counts no more; a new one does', async (t) => {
    const { bench, certificate, key } = await enrolled(t);
    const older = await putToken(bench, 'e-2', 'lab-1');
    const [first] = await bench.enrolments.listTokens();
    await bench.control.putRevokedCertificate({
      serial: certificate.serialNumber,
      revokedAt: bench.clock.wallTime(),
      reason: 'stolen',
    });
    assert.ok(first);
    for (const token of [first, older]) {
      assert.match(detailOf(await bench.enroller.enrol(token, key.csr, termsOf(bench))), /older than the revocation/);
    }
    bench.clock.add(1);
    const newer = await putToken(bench, 'e-3', 'lab-1');
    const next = await hostKey();
    certificateOf(await bench.enroller.enrol(newer, next.csr, termsOf(bench)));
  });
});

describe('renewal', () => {
  test('with the same key or another; by the old key also after expiry', async (t) => {
    const { bench, key, certificate } = await enrolled(t);
    for (const next of [key, await hostKey()]) {
      const renewed = certificateOf(await bench.enroller.renew('lab-1', next.csr, termsOf(bench)));
      assert.ok(renewed.publicKey.equals(next.publicKey));
      certificateOf(await renewByOldKey(bench, certificate, key, next));
    }
    bench.clock.add(400);
    certificateOf(await renewByOldKey(bench, certificate, key, await hostKey()));
    const occasions = (await bench.enrolments.listIssued()).map(({ occasion }) => occasion);
    assert.deepEqual(new Set(occasions), new Set(['token e-1', 'renewal', 'renewal after expiry']));
    assert.equal(occasions[0], 'renewal after expiry');
  });

  test('by an old key that is not the one, over another request, or with half a signature is refused', async (t) => {
    const { bench, key, certificate } = await enrolled(t);
    const [other, next] = [await hostKey(), await hostKey()];
    const signatures = [
      oldKeySignature(other.privateKey, next.csr.der),
      oldKeySignature(key.privateKey, other.csr.der),
      oldKeySignature(key.privateKey, next.csr.der).subarray(0, 20),
      Buffer.alloc(0),
    ];
    for (const signature of signatures) {
      const outcome = await bench.enroller.renewByOldKey({ certificate, signature }, next.csr, termsOf(bench));
      assert.match(detailOf(outcome), /is not its key's signature/);
    }
    certificateOf(await renewByOldKey(bench, certificate, key, next));
  });

  test('with a certificate of another authority, or of the receiver itself, is refused', async (t) => {
    const [{ key, certificate }, strange] = [await enrolled(t), await authorityBench(t)];
    const next = await hostKey();
    const signature = oldKeySignature(key.privateKey, next.csr.der);
    const outcome = await strange.enroller.renewByOldKey({ certificate, signature }, next.csr, termsOf(strange));
    assert.match(detailOf(outcome), /no authority of this receiver that is still in force has signed it/);
    const { server } = termsOf(strange).authority;
    const asServer = { certificate: server, signature };
    assert.match(
      detailOf(await strange.enroller.renewByOldKey(asServer, next.csr, termsOf(strange))),
      /it is not for clients/,
    );
  });

  test('of a revoked host is refused, also by an older certificate that expired before it was revoked', async (t) => {
    const { bench, key, certificate } = await enrolled(t);
    const next = await hostKey();
    const renewed = certificateOf(await bench.enroller.renew('lab-1', next.csr, termsOf(bench)));
    bench.clock.add(91);
    await revokeHost('lab-1', 'stolen', bench);
    for (const [old, oldKey] of [
      [certificate, key],
      [renewed, next],
    ] as const) {
      assert.match(detailOf(await renewByOldKey(bench, old, oldKey, next)), /revoked/);
    }
    assert.match(detailOf(await bench.enroller.renew('lab-1', next.csr, termsOf(bench))), /newest .* was revoked/);
    // With a new token it is back, and what was stolen still counts for nothing.
    bench.clock.add(1);
    const token = await putToken(bench, 'e-2', 'lab-1');
    certificateOf(await bench.enroller.enrol(token, (await hostKey()).csr, termsOf(bench)));
    assert.match(detailOf(await renewByOldKey(bench, certificate, key, next)), /revoked/);
  });

  test('of a host whose newest certificate alone is revoked is refused by its older one', async (t) => {
    const { bench, key, certificate } = await enrolled(t);
    bench.clock.add(1);
    const { serialNumber } = certificateOf(await bench.enroller.renew('lab-1', key.csr, termsOf(bench)));
    await bench.control.putRevokedCertificate({ serial: serialNumber, revokedAt: bench.clock.wallTime(), reason: 'x' });
    assert.match(detailOf(await renewByOldKey(bench, certificate, key, key)), /the newest certificate of lab-1/);
  });

  test('through a roll-over: under the new authority, with a certificate of the old one until it is finished', async (t) => {
    const { bench, key, certificate } = await enrolled(t);
    const before = termsOf(bench).authority.current.fingerprint;
    await renewAuthority(bench);
    bench.clock.add(1);
    const renewed = certificateOf(await renewByOldKey(bench, certificate, key, key));
    const { current } = termsOf(bench).authority;
    assert.notEqual(current.fingerprint, before);
    assert.ok(renewed.verify(current.certificate.publicKey));
    await finishRenewal({ force: false }, bench);
    assert.match(detailOf(await renewByOldKey(bench, certificate, key, key)), /no authority of this receiver/);
    certificateOf(await renewByOldKey(bench, renewed, key, key));
  });
});
