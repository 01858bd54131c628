import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, serve } from '../../transport/ping.fixture.ts';
import { labHost } from '../doctor.fixture.ts';
import { tokenExpiryCheck } from './token-expiry.ts';

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

for (const [what, expiry, status, summary] of [
  ['told nothing', {}, 'unknown', /not told by this receiver/],
  ['without an end', { expires_at: null }, 'green', /does not expire/],
  ['for long', { expires_at: inDays(90.5) }, 'green', /for 90 days more/],
  ['for a week', { expires_at: inDays(7.5) }, 'yellow', /for 7 days more/],
  ['for a day', { expires_at: inDays(1) }, 'red', /more, until/],
  ['expired', { expires_at: inDays(-1) }, 'red', /has expired/],
] as const) {
  test(`a token ${what} is ${status}`, async (t) => {
    const url = await serve(t, json(200, { ok: true, ...expiry }));
    const found = await tokenExpiryCheck.run(await labHost(t, { url, toml: 'bearer_token = "secret"' }));
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    if (status === 'yellow' || status === 'red')
      assert.match(
        found.cure ?? '',
        /^ssh 127\.0\.0\.1 'sudo cis490 token create --role host --host lab-1'\nsudoedit /,
      );
  });
}

test('not used is green, not known is unknown', async (t) => {
  assert.equal((await tokenExpiryCheck.run(await labHost(t))).summary, 'none configured');
  const url = await serve(t, json(401, { code: 'credential-invalid' }));
  const { status, summary } = await tokenExpiryCheck.run(await labHost(t, { url, toml: 'bearer_token = "secret"' }));
  assert.deepEqual([status, summary], ['unknown', 'not known: credential fails first']);
});
