import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckStatus } from '../../../lib/self-check/check-result.ts';
import { authorityPaths } from '../../certificates/authority-files.ts';
import { authorityBench } from '../../certificates/certificates.fixture.ts';
import { renewAuthority } from '../../certificates/manage-authority.ts';
import { receiverBench } from '../doctor.fixture.ts';
import { certificateExpiryCheck } from './certificate-expiry.ts';

// The authority is made for 3650 days, the receiver's certificate for 365.
const CASES: [what: string, day: number, isShown: boolean, status: CheckStatus, cure: RegExp | undefined][] = [
  ['an authority with more than a year', 3280, false, 'green', undefined],
  ['an authority with less than a year', 3286, false, 'yellow', /^sudo cis490 ca renew-ca --config \S+$/],
  ['an authority with less than a month', 3621, false, 'red', /^sudo cis490 ca renew-ca --config \S+$/],
  ['an authority that has expired', 3651, false, 'red', /^sudo cis490 ca renew-ca --config \S+$/],
  ["the receiver's certificate at two thirds, which it renews by itself", 250, true, 'green', undefined],
  [
    "the receiver's certificate, which it has not renewed",
    350,
    true,
    'yellow',
    /^sudo cis490 ca server-certificate --config/,
  ],
  ["the receiver's certificate, expired", 366, true, 'red', /^sudo cis490 ca server-certificate --config/],
  ["a receiver's certificate that nobody is shown", 366, false, 'green', undefined],
];

for (const [what, day, isShown, status, cure] of CASES) {
  test(`${what}: ${status}`, async (t) => {
    const [bench, authority] = [receiverBench(t), await authorityBench(t)];
    const { serverCertificate, trusted } = authorityPaths(authority.root);
    authority.clock.add(day);
    const { config } = bench;
    const tls = { client_ca_file: trusted, ...(isShown && { cert_file: serverCertificate }) };
    const found = await certificateExpiryCheck.run({
      ...bench,
      config: { ...config, store: { ...config.store, root: authority.root }, listen: { ...config.listen, tls } },
      nowMs: authority.clock.now.epochMilliseconds,
    });
    assert.equal(found.status, status, found.summary);
    if (cure) assert.match(found.cure ?? '', cure);
  });
}

test('an old authority that ends before its roll-over is finished', async (t) => {
  const [bench, authority] = [receiverBench(t), await authorityBench(t)];
  authority.clock.add(3640);
  await renewAuthority(authority);
  const { config } = bench;
  const found = await certificateExpiryCheck.run({
    ...bench,
    config: { ...config, store: { ...config.store, root: authority.root } },
    nowMs: authority.clock.now.epochMilliseconds,
  });
  assert.equal(found.status, 'yellow', found.summary);
  assert.match(found.cure ?? '', /^sudo cis490 ca renew-ca --finish --config/);
});
