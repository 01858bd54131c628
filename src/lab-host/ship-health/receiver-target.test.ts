import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { findTarget } from './receiver-target.ts';

function find(t: TestContext, toml: string) {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'token'), 'the-token\n', { mode: 0o600 });
  writeFileSync(join(root, 'lab-host.toml'), toml);
  return { root, ...findTarget(join(root, 'lab-host.toml')) };
}

const HOST = 'host_id = "lab-1"\n';
const RECEIVER = '[receiver]\nurl = "http://127.0.0.1:9"\nbearer_token_file = "token"\n';

test('a sound configuration', (t) => {
  const { config, target } = find(t, `${HOST}${RECEIVER}`);
  assert.deepEqual([config, target?.host_id, target?.receiver.url], ['good', 'lab-1', 'http://127.0.0.1:9']);
  assert.equal(target?.receiver.bearer_token_file?.reveal(), 'the-token');
});

const salvaged: [name: string, toml: string][] = [
  ['an unknown key', `${HOST}${RECEIVER}[shiper]\nconcurrency = 2\n`],
  ['a wrong value elsewhere', `${HOST}${RECEIVER}[shipper]\nconcurrency = "many"\n`],
  ['a wrong value in the same table', `${HOST}${RECEIVER}idle_timeout_s = "for ever"\n`],
  ['no TOML further down', `${HOST}${RECEIVER}[shipper]\nconcurrency = = 2\n`],
];
for (const [name, toml] of salvaged) {
  test(`where to and with what is had in spite of ${name}`, (t) => {
    const found = find(t, toml);
    assert.equal(found.config, 'bad');
    assert.equal(found.target?.host_id, 'lab-1');
    const { receiver } = found.target ?? {};
    assert.deepEqual(
      [receiver?.url, receiver?.connect_timeout_s, receiver?.idle_timeout_s],
      ['http://127.0.0.1:9', 10, 60],
    );
    assert.equal(receiver?.bearer_token_file?.reveal(), 'the-token');
  });
}

test('the key of an older version is a credential, too', (t) => {
  const { target } = find(t, `${HOST}[receiver]\nurl = "http://127.0.0.1:9"\nbearer_token = "inline"\n[shiper]\n`);
  assert.equal(target?.receiver.bearer_token_file?.reveal(), 'inline');
});

test('a certificate stands in for a token that cannot be read', (t) => {
  const tls = '[receiver.tls]\ncert_file = "host.crt"\nkey_file = "host.key"\n';
  const { root, config, target } = find(t, `${HOST}${RECEIVER.replace('"token"', '"gone"')}${tls}`);
  assert.equal(config, 'bad');
  assert.deepEqual(target?.receiver.tls, { cert_file: join(root, 'host.crt'), key_file: join(root, 'host.key') });
  assert.equal(target?.receiver.bearer_token_file, undefined);
});

const hopeless: [name: string, toml: string][] = [
  ['no host', RECEIVER],
  ['a host that is none', `host_id = "../lab"\n${RECEIVER}`],
  ['no receiver', HOST],
  ['no table', `${HOST}receiver = "http://127.0.0.1:9"\n`],
  ['a receiver that is none', `${HOST}[receiver]\nurl = "receiver.example"\n`],
  ['a token that cannot be read', `${HOST}${RECEIVER.replace('"token"', '"gone"')}`],
  ['no TOML from the first line on', 'host_id\n'],
];
for (const [name, toml] of hopeless) {
  test(`nothing is to be had from ${name}`, (t) => {
    const { config, target } = find(t, toml);
    assert.deepEqual([config, target], ['bad', undefined]);
  });
}

test('nor from a file that is not there', (t) => {
  const { config, ...rest } = findTarget(join(temporaryDirectory(t), 'lab-host.toml'));
  assert.deepEqual([config, rest.target], ['bad', undefined]);
});
