import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { labHost } from '../doctor.fixture.ts';
import { configurationCheck } from './configuration.ts';

test('one that can be used is green, and tells of what is deprecated', async (t) => {
  const context = await labHost(t, { toml: 'bearer_token = "secret"' });
  const { status, summary, cure } = await configurationCheck.run(context);
  assert.deepEqual([status, cure], ['green', null]);
  assert.match(summary, /is sound; 1 deprecated: .*bearer_token is deprecated/);
  assert.doesNotMatch(summary, /secret/);
});

for (const [fault, files, url, summary, cure] of [
  ['that is missing', {}, 'https', /host\.crt cannot be read/, /^sudo systemctl start cis490-cert-fetch\nsudoedit /],
  [
    'that is none',
    { 'host.crt': [0o600, 'x'], 'host.key': [0o600, 'x'] },
    'https',
    /host\.crt cannot be read as a certificate/,
    /^sudoedit .*\nsudo .*config check .*lab-host\.toml/,
  ],
  [
    'whose key others may read',
    { 'host.crt': [0o644, 'x'], 'host.key': [0o604, 'x'] },
    'https',
    /host\.crt/,
    /^sudo chmod 0600 .*host\.key\nsudoedit /,
  ],
] as const) {
  test(`a certificate ${fault} is red`, async (t) => {
    const toml = '[receiver.tls]\ncert_file = "host.crt"\nkey_file = "host.key"';
    const context = await labHost(t, { url: `${url}://127.0.0.1:9`, toml });
    for (const [file, [mode, content]] of Object.entries(files as Record<string, [number, string]>))
      writeFileSync(join(context.root, file), content, { mode });
    const found = await configurationCheck.run(context);
    assert.equal(found.status, 'red');
    assert.match(found.summary, summary);
    assert.match(found.cure ?? '', cure);
  });
}
