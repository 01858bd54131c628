import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import type { Control } from '../../storage/control.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';
import { credentialsConfigDefinition } from './credentials-config.ts';
import { RevocationsInMemory, SettableClock } from './identity.fixture.ts';
import { createToken, listTokens, revokeTokens } from './manage-tokens.ts';
import { readTokensFile } from './tokens-file.ts';

function open(t: TestContext, keys = '') {
  const path = join(temporaryDirectory(t), 'receiver.toml');
  writeFileSync(path, `[listen]\nhost = "0.0.0.0"\n[store]\nroot = "."\n[version_gate]\nenabled = false\n${keys}`);
  // The first token must be had before the receiver would start.
  if (keys === '') assert.throws(() => loadConfig(receiverConfigDefinition, path), { code: 'bad-config' });
  const { config } = loadConfig(credentialsConfigDefinition, path);
  const printed: string[] = [];
  const told: string[] = [];
  const output = { write: (text: string) => void printed.push(text), tell: (line: string) => void told.push(line) };
  const clock = new SettableClock();
  clock.now = Temporal.Instant.from('2026-05-01T06:00:00Z');
  const control = new RevocationsInMemory() as unknown as Control;
  const records = () => readTokensFile(config.auth.tokens_file);
  return { config, control, clock, output, printed, told, records };
}

test('a token is printed alone, and only its digest is kept', async (t) => {
  const opened = open(t);
  await createToken({ role: 'host', host: 'lab-07', expires: '90d' }, opened);
  assert.equal(opened.printed.length, 1);
  assert.match(opened.printed[0] ?? '', /^cis490_[\w-]{43}\n$/);
  const token = opened.printed[0]?.trim() ?? '';
  const [record] = opened.records();
  assert.deepEqual(record, {
    id: record?.id,
    role: 'host',
    host: 'lab-07',
    sha256: sha256(token),
    created_at: '2026-05-01T06:00:00.000000+00:00',
    expires_at: '2026-07-30T06:00:00.000000+00:00',
  });
  assert.match(record?.id ?? '', /^t-[0-9a-f]{8}$/);
  assert.ok(!readFileSync(opened.config.auth.tokens_file, 'utf8').includes(token.slice(7)));
  assert.ok(!opened.told.join().includes(token));
});

test('that a receiver must be reloaded is told with the first credential alone', async (t) => {
  const opened = open(t);
  await createToken({ role: 'admin' }, opened);
  assert.match(opened.told.join('\n'), /first credential.*systemctl reload cis490-receiver/);
  opened.told.length = 0;
  await createToken({ role: 'reader' }, opened);
  assert.doesNotMatch(opened.told.join('\n'), /reload/);
  const withFleetToken = open(t, `[auth]\nfleet_token_sha256 = "${'0'.repeat(64)}"\n`);
  await createToken({ role: 'reader' }, withFleetToken);
  assert.doesNotMatch(withFleetToken.told.join('\n'), /reload/);
});

test('host and role go together', async (t) => {
  const opened = open(t);
  await assert.rejects(createToken({ role: 'host' }, opened), { code: 'bad-input' });
  await assert.rejects(createToken({ role: 'admin', host: 'lab-1' }, opened), { code: 'bad-input' });
  await assert.rejects(createToken({ role: 'admin', expires: 'soon' }, opened), { code: 'bad-input' });
  assert.deepEqual([opened.records(), opened.printed], [[], []]);
});

test('the list tells which count, and since when the others do not', async (t) => {
  const opened = open(t);
  await createToken({ role: 'host', host: 'lab-07' }, opened);
  await createToken({ role: 'reader', expires: '1d' }, opened);
  await createToken({ role: 'admin' }, opened);
  const [active, expired, revoked] = opened.records().map(({ id }) => id);
  opened.clock.add(1);
  await revokeTokens([revoked ?? ''], opened);
  opened.printed.length = 0;
  await listTokens({ json: true }, opened);
  const day2 = '2026-05-02T06:00:00.000000+00:00';
  assert.deepEqual(
    JSON.parse(opened.printed.join('')).tokens.map((it: Record<string, unknown>) => [
      it['id'],
      it['state'],
      it['since'],
    ]),
    [
      [active, 'active', null],
      [expired, 'expired', day2],
      [revoked, 'revoked', day2],
    ],
  );
  opened.printed.length = 0;
  await listTokens({ json: false }, opened);
  const lines = opened.printed.join('').split('\n');
  assert.match(lines[0] ?? '', /^ID +ROLE +HOST +CREATED +EXPIRES +STATE$/);
  assert.match(lines[1] ?? '', /^t-\w{8} +host +lab-07 +2026-05-01T\S+ +never +active$/);
  assert.match(lines[3] ?? '', /^t-\w{8} +admin +- .* never +revoked since 2026-05-02T/);
});

test('of several to revoke, one unknown: an error, and none is revoked', async (t) => {
  const opened = open(t);
  await createToken({ role: 'admin' }, opened);
  const id = opened.records()[0]?.id ?? '';
  await assert.rejects(revokeTokens([id, 't-00000000'], opened), /no such token: t-00000000; nothing was revoked/);
  assert.equal(await opened.control.isTokenRevoked(id), false);
  await revokeTokens([id], opened);
  assert.equal(await opened.control.isTokenRevoked(id), true);
});
