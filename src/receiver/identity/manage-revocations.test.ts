import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { Control } from '../../storage/control.ts';
import { openControl } from '../../storage/open-storage.ts';
import { identifiersOf } from './certificate-authenticator.ts';
import { listenConfig, SettableClock } from './identity.fixture.ts';
import {
  type CertificateToRevoke,
  identifyCertificate,
  listRevokedCertificates,
  revokeCertificate,
} from './manage-revocations.ts';

async function open(t: TestContext) {
  const control: Control = await openControl(temporaryDirectory(t));
  t.after(() => control.close());
  const printed: string[] = [];
  const told: string[] = [];
  const output = { write: (text: string) => void printed.push(text), tell: (line: string) => void told.push(line) };
  return { config: { listen: listenConfig() }, control, clock: new SettableClock(), output, printed, told };
}

test('by its file, its serial or its fingerprint: the same certificate counts no more', async (t) => {
  const { certificate, certFile } = TestAuthority.create(join(temporaryDirectory(t), 'ca')).issue();
  const { serial, fingerprint } = identifiersOf(certificate);
  const ways: CertificateToRevoke[] = [
    { cert: certFile },
    { serial: serial.replace(/..(?!$)/g, '$&:') },
    { serial: `0x${serial.toLowerCase()}` },
    { fingerprint: certificate.fingerprint256 },
  ];
  for (const way of ways) {
    const opened = await open(t);
    assert.equal(await opened.control.isCertificateRevoked({ serial, fingerprint }), false);
    await revokeCertificate(identifyCertificate(way), 'disk stolen', opened);
    assert.equal(await opened.control.isCertificateRevoked({ serial, fingerprint }), true, JSON.stringify(way));
  }
});

test('what is revoked is listed, and a second time changes nothing', async (t) => {
  const opened = await open(t);
  const [one, two] = ['ab'.repeat(32), 'cd'.repeat(32)];
  await revokeCertificate(identifyCertificate({ fingerprint: one }), 'first', opened);
  await revokeCertificate(identifyCertificate({ fingerprint: two }), 'second', opened);
  await revokeCertificate(identifyCertificate({ serial: '0a1b' }), 'third', opened);
  await revokeCertificate(identifyCertificate({ fingerprint: one }), 'again', opened);
  assert.match(opened.told.at(-1) ?? '', /was revoked already/);
  await listRevokedCertificates({ json: true }, opened);
  const { certificates } = JSON.parse(opened.printed.join(''));
  const rows = certificates.map((it: Record<string, string | null>) => [it['serial'], it['fingerprint'], it['reason']]);
  assert.deepEqual(rows.length, 3);
  assert.ok(rows.some(([serial, print, reason]: string[]) => serial === null && print === one && reason === 'first'));
  assert.ok(rows.some(([serial, print, reason]: string[]) => serial !== null && print === null && reason === 'third'));
  opened.printed.length = 0;
  await listRevokedCertificates({ json: false }, opened);
  assert.match(opened.printed.join(''), /^SERIAL +FINGERPRINT +REVOKED +REASON\n/);
  assert.match(opened.printed.join(''), /^- +(?:cd){32} +20\S+ +second$/m);
});

test('where a serial was revoked by itself, the fingerprint can still be added', async (t) => {
  const { certificate, certFile } = TestAuthority.create(join(temporaryDirectory(t), 'ca')).issue();
  const { serial, fingerprint } = identifiersOf(certificate);
  const opened = await open(t);
  const proxy_headers = { certificate: 'Client-Cert', subject: 'X-Subject', fingerprint: 'X-Fingerprint' };
  const config = { listen: listenConfig({ proxy_headers }) };
  await revokeCertificate(identifyCertificate({ serial }), 'first', { ...opened, config });
  assert.match(opened.told.join(), /not behind proxies that pass on the subject/);
  assert.equal(await opened.control.isCertificateRevoked({ fingerprint }), false);
  await revokeCertificate(identifyCertificate({ cert: certFile }), 'again', opened);
  assert.equal(await opened.control.isCertificateRevoked({ fingerprint }), true);
  assert.equal((await opened.control.listRevokedCertificates()).length, 2);
});

test('what names no certificate is refused', async (t) => {
  const opened = await open(t);
  const bad: CertificateToRevoke[] = [
    {},
    { serial: '1', fingerprint: 'ab'.repeat(32) },
    { serial: 'xyz' },
    { serial: '' },
    { serial: 'a'.repeat(41) },
    { fingerprint: 'ab'.repeat(20) },
  ];
  for (const which of bad) {
    assert.throws(() => identifyCertificate(which), { code: 'bad-input' }, JSON.stringify(which));
  }
  await assert.rejects(revokeCertificate(identifyCertificate({ serial: '1' }), ' ', opened), { code: 'bad-input' });
  assert.throws(() => identifyCertificate({ cert: '/nowhere.crt' }), { code: 'bad-certificate' });
  assert.deepEqual(await opened.control.listRevokedCertificates(), []);
});
