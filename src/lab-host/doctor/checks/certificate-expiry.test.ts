import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type NewCertificate, TestAuthority } from '../../../../test/support/certificates.ts';
import { hasSystemPart } from '../../../../test/support/system-part.ts';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { labHost } from '../doctor.fixture.ts';
import { certificateExpiryCheck } from './certificate-expiry.ts';

test('without a certificate there is nothing to expire', async (t) => {
  const { status, summary } = await certificateExpiryCheck.run(await labHost(t));
  assert.deepEqual([status, summary], ['green', 'none configured']);
});

test('by what is left of its lifetime', async (t) => {
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return;
  const ca = TestAuthority.create(join(temporaryDirectory(t), 'ca'));
  for (const [validity, status, summary] of [
    [{ fromDays: -10, untilDays: 20.5 }, 'green', /valid for 20 days more, until 20/],
    [{ fromDays: -25, untilDays: 5.5 }, 'yellow', /5 days more.*renewal is due/],
    [{ fromDays: -25, untilDays: 1 }, 'red', /more, until/],
    [{ fromDays: -25, untilDays: -1 }, 'red', /has expired/],
    [{ fromDays: 1 }, 'red', /valid only from/],
  ] as [NewCertificate, string, RegExp][]) {
    const { certFile, keyFile } = ca.issue(validity);
    const context = await labHost(t, { toml: `[receiver.tls]\ncert_file = "${certFile}"\nkey_file = "${keyFile}"` });
    const found = await certificateExpiryCheck.run(context);
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    if (status !== 'green') assert.match(found.cure ?? '', /cis490-cert-fetch\nopenssl x509 -noout .* -in /);
  }
});

test('a renewal that is due and fails is yellow, with why, as long as there is time', async (t) => {
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return;
  const root = temporaryDirectory(t);
  const { certFile, keyFile } = TestAuthority.create(join(root, 'ca')).issue({ fromDays: -19, untilDays: 11.5 });
  mkdirSync(join(root, 'current'));
  copyFileSync(certFile, join(root, 'current/host.crt'));
  copyFileSync(keyFile, join(root, 'current/host.key'));
  const toml = `[receiver.tls]\ncert_file = "${root}/current/host.crt"\nkey_file = "${root}/current/host.key"`;
  const context = await labHost(t, { toml });
  const failed = { result: 'failed', at_wall: 'then', failures: 3, detail: 'nothing listens there', cure: 'start it' };
  for (const [state, status] of [
    [{ ...failed, renewal_due_wall: '2020-01-01T00:00:00.000000+00:00' }, 'yellow'],
    [{ ...failed, renewal_due_wall: '2999-01-01T00:00:00.000000+00:00' }, 'green'],
    [{ ...failed, result: 'current', renewal_due_wall: '2020-01-01T00:00:00.000000+00:00' }, 'green'],
    ['torn', 'green'],
  ] as const) {
    writeFileSync(join(root, 'cert-state.json'), JSON.stringify(state));
    const found = await certificateExpiryCheck.run(context);
    assert.equal(found.status, status, found.summary);
    if (status === 'yellow') assert.match(found.summary, /failed 3 times in a row.*nothing listens there \(start it\)/);
    if (status === 'yellow') assert.match(found.cure ?? '', /journalctl -u cis490-cert-fetch/);
  }
});
