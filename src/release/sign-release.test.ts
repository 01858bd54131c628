import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { toJsonFile } from '../lib/durable-file.ts';
import { parseReleaseKey, releaseStatement } from '../protocol/release.ts';
import { makeReleaseKey, readPublicKey, readSigningKey } from './release-key.ts';
import { signReleases, verifyReleases } from './sign-release.ts';

const COMMIT = 'a'.repeat(40);

interface Built {
  directory: string;
  descriptions: string[];
  /** Makes a key there; its private file and its public line. */
  makeKey(name: string): Promise<{ file: string; line: string }>;
}

function build(t: TestContext): Built {
  const directory = mkdtempSync(join(tmpdir(), 'cis490-sign-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const release = join(directory, 'release');
  mkdirSync(release);
  const descriptions = (['linux-arm64', 'linux-x64'] as const).map((platform) => {
    const bundle = Buffer.from(`a bundle for ${platform}`);
    const stem = join(release, `cis490-${COMMIT}-${platform}`);
    const sha256 = createHash('sha256').update(bundle).digest('hex');
    writeFileSync(`${stem}.tar.zst`, bundle);
    const draft = { commit: COMMIT, platform, sha256, bytes: bundle.byteLength, signatures: [] };
    writeFileSync(`${stem}.json`, toJsonFile(draft));
    return `${stem}.json`;
  });
  return {
    directory: release,
    descriptions,
    makeKey: async (name) => {
      const file = join(directory, name);
      return { file, line: await makeReleaseKey(file) };
    },
  };
}

test('what is signed verifies with the key, and with openssl', async (t) => {
  const { directory, descriptions, makeKey } = build(t);
  const { file, line } = await makeKey('key');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const signed = await signReleases({ key: await readSigningKey(file), number: 12, paths: [directory] });
  assert.deepEqual(
    signed.map(({ release_number, platform }) => [release_number, platform]),
    [
      [12, 'linux-arm64'],
      [12, 'linux-x64'],
    ],
  );
  const key = await readPublicKey(line);
  assert.deepEqual(await verifyReleases(key, descriptions), signed);
  assert.ok(parseReleaseKey(line), 'the line is what a lab host’s configuration takes');

  const [first] = signed;
  assert.ok(first);
  const at = (name: string) => join(directory, '..', name);
  writeFileSync(at('statement'), releaseStatement(first));
  writeFileSync(at('signature'), Buffer.from(first.signatures[0]?.signature ?? '', 'base64'));
  execFileSync('openssl', ['pkey', '-in', file, '-pubout', '-out', at('pem')]);
  assert.equal(readFileSync(at('pem'), 'utf8').split('\n')[1], line);
  const check = [
    '-verify',
    '-pubin',
    '-inkey',
    at('pem'),
    '-rawin',
    '-in',
    at('statement'),
    '-sigfile',
    at('signature'),
  ];
  assert.match(execFileSync('openssl', ['pkeyutl', ...check], { encoding: 'utf8' }), /Verified Successfully/);
  for (const text of [line, at('pem')])
    assert.ok((await verifyReleases(await readPublicKey(text), [directory])).length);
});

test('several keys sign one after the other; the same key changes nothing', async (t) => {
  const { directory, descriptions, makeKey } = build(t);
  const [one, other, stranger] = [await makeKey('one'), await makeKey('other'), await makeKey('stranger')];
  await signReleases({ key: await readSigningKey(one.file), number: 3, paths: [directory] });
  const [both] = await signReleases({ key: await readSigningKey(other.file), number: undefined, paths: [directory] });
  assert.equal(both?.signatures.length, 2);
  const before = descriptions.map((path) => readFileSync(path, 'utf8'));
  await signReleases({ key: await readSigningKey(other.file), number: 3, paths: [directory] });
  assert.deepEqual(
    descriptions.map((path) => readFileSync(path, 'utf8')),
    before,
  );
  for (const { line } of [one, other]) await verifyReleases(await readPublicKey(line), [directory]);
  await assert.rejects(verifyReleases(await readPublicKey(stranger.line), [directory]), { code: 'not-verified' });
});

test('a number is given once and stays', async (t) => {
  const { directory, descriptions, makeKey } = build(t);
  const key = await readSigningKey((await makeKey('key')).file);
  await assert.rejects(signReleases({ key, number: undefined, paths: [directory] }), /has no number yet/);
  await signReleases({ key, number: 3, paths: descriptions.slice(0, 1) });
  await assert.rejects(signReleases({ key, number: 4, paths: [directory] }), /is signed as release 3, not 4/);
  assert.doesNotMatch(readFileSync(descriptions[1] ?? '', 'utf8'), /release_number/, 'all of them or none');
});

const DAMAGED: [string, (description: string) => void, RegExp][] = [
  ['a bundle of other bytes', (path) => writeFileSync(path.replace('json', 'tar.zst'), 'x'), /is not what its desc/],
  ['no bundle', (path) => rmSync(path.replace('json', 'tar.zst')), /the bundle .* cannot be read/],
  ['no JSON', (path) => writeFileSync(path, '{'), /is no description of a release/],
  [
    'another’s description',
    (path) => writeFileSync(path, readFileSync(path.replace('x64', 'arm64'))),
    /describes another/,
  ],
];

for (const [what, damage, message] of DAMAGED) {
  test(`${what} is neither signed nor verified`, async (t) => {
    const { directory, descriptions, makeKey } = build(t);
    const { file, line } = await makeKey('key');
    const key = await readSigningKey(file);
    await signReleases({ key, number: 3, paths: [directory] });
    damage(descriptions[1] ?? '');
    await assert.rejects(signReleases({ key, number: 3, paths: [directory] }), message);
    await assert.rejects(verifyReleases(await readPublicKey(line), [directory]), message);
  });
}

for (const [what, from, to] of [
  ['number', '"release_number": 3', '"release_number": 4'],
  ['signature', '"signature": "', '"signature": "AAAA'],
] as const) {
  test(`a changed ${what} is seen`, async (t) => {
    const { directory, descriptions, makeKey } = build(t);
    const { file, line } = await makeKey('key');
    await signReleases({ key: await readSigningKey(file), number: 3, paths: [directory] });
    const path = descriptions[1] ?? '';
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replace(from, to));
    await assert.rejects(verifyReleases(await readPublicKey(line), [path]), { code: 'not-verified' });
  });
}

test('a key is never written over another file, nor taken when others may read it', async (t) => {
  const { makeKey } = build(t);
  const { file } = await makeKey('key');
  const before = readFileSync(file, 'utf8');
  await assert.rejects(makeReleaseKey(file), /is there already/);
  assert.equal(readFileSync(file, 'utf8'), before);
  chmodSync(file, 0o640);
  await assert.rejects(readSigningKey(file), /may be read by others \(mode 640\)/);
  chmodSync(file, 0o600);
  writeFileSync(file, 'no key');
  await assert.rejects(readSigningKey(file), /is no private Ed25519 key/);
  await assert.rejects(readSigningKey(`${file}x`), /is no key and no file/);
  await assert.rejects(readPublicKey(file), /is no Ed25519 public key/);
  execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file]);
  await assert.rejects(readSigningKey(file), /is no private Ed25519 key/);
});
