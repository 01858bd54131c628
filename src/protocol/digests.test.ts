import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DeclaredDigest, formatReprDigest, readDeclaredDigest } from './digests.ts';

const HEX = 'ab'.repeat(32);
const B64 = Buffer.from(HEX, 'hex').toString('base64');
const OTHER_B64 = Buffer.alloc(32, 1).toString('base64');

function read(headers: Record<string, string>): DeclaredDigest {
  return readDeclaredDigest((name) => headers[name]);
}

const declared: [title: string, headers: Record<string, string>][] = [
  ['hex', { 'x-content-sha256': HEX }],
  ['hex in upper case', { 'x-content-sha256': HEX.toUpperCase() }],
  ['Repr-Digest', { 'repr-digest': `sha-256=:${B64}:` }],
  ['Content-Digest', { 'content-digest': `sha-256=:${B64}:` }],
  ['white space around the members', { 'repr-digest': `  sha-512=:AAAA: ,\t sha-256=:${B64}:  ` }],
  ['a member of another type beside it', { 'repr-digest': `x=1, sha-256=:${B64}:` }],
  ['parameters of the member', { 'repr-digest': `sha-256=:${B64}:;a=1` }],
  [
    'the last of two members of one name, as RFC 8941 has it',
    { 'repr-digest': `sha-256=:${OTHER_B64}:, sha-256=:${B64}:` },
  ],
  [
    'all three, agreeing',
    { 'x-content-sha256': HEX, 'repr-digest': `sha-256=:${B64}:`, 'content-digest': `sha-256=:${B64}:` },
  ],
  ['hex beside a Repr-Digest of another algorithm', { 'x-content-sha256': HEX, 'repr-digest': 'sha-512=:AAAA:' }],
];
for (const [title, headers] of declared) {
  test(`declared: ${title}`, () => assert.deepEqual(read(headers), { kind: 'declared', sha256: HEX }));
}

for (const [title, headers] of [
  ['no header', {}],
  ['only another algorithm', { 'repr-digest': 'sha-512=:AAAA:' }],
  ['an empty dictionary', { 'content-digest': '' }],
  ['a longer name', { 'repr-digest': 'sha-256x=:AAAA:' }],
] satisfies [string, Record<string, string>][]) {
  test(`missing: ${title}`, () => assert.deepEqual(read(headers), { kind: 'missing' }));
}

const malformed: [title: string, headers: Record<string, string>, named: RegExp][] = [
  ['hex too short', { 'x-content-sha256': HEX.slice(1) }, /^x-content-sha256 must/],
  ['hex too long', { 'x-content-sha256': `${HEX}0` }, /^x-content-sha256 must/],
  ['hex sent twice', { 'x-content-sha256': `${HEX}, ${HEX}` }, /^x-content-sha256 must/],
  ['empty hex', { 'x-content-sha256': '' }, /^x-content-sha256 must/],
  ['base64 in the header of hex', { 'x-content-sha256': B64 }, /^x-content-sha256 must/],
  ['no colons', { 'repr-digest': `sha-256=${B64}` }, /^repr-digest must/],
  ['hex in a byte sequence', { 'repr-digest': `sha-256=:${HEX}:` }, /^repr-digest must/],
  ['31 bytes', { 'content-digest': `sha-256=:${Buffer.alloc(31).toString('base64')}:` }, /^content-digest must/],
  ['33 bytes', { 'content-digest': `sha-256=:${Buffer.alloc(33).toString('base64')}:` }, /^content-digest must/],
  ['a string', { 'repr-digest': `sha-256="${B64}"` }, /^repr-digest must/],
  ['a list', { 'repr-digest': `sha-256=(:${B64}:)` }, /^repr-digest must/],
  ['no value', { 'repr-digest': 'sha-256' }, /^repr-digest must/],
  ['cut off', { 'repr-digest': `sha-256=:${B64}` }, /^repr-digest must/],
  ['a trailing comma', { 'repr-digest': `sha-256=:${B64}:,` }, /^repr-digest must/],
  ['no dictionary', { 'content-digest': '{}' }, /^content-digest must/],
  [
    'a good one beside a malformed one',
    { 'x-content-sha256': HEX, 'content-digest': 'sha-256=1' },
    /^content-digest must/,
  ],
  [
    'hex against Repr-Digest',
    { 'x-content-sha256': HEX, 'repr-digest': `sha-256=:${OTHER_B64}:` },
    /^x-content-sha256, repr-digest name different/,
  ],
  [
    'Repr-Digest against Content-Digest',
    { 'repr-digest': `sha-256=:${B64}:`, 'content-digest': `sha-256=:${OTHER_B64}:` },
    /^repr-digest, content-digest name different/,
  ],
];
for (const [title, headers, named] of malformed) {
  test(`malformed: ${title}`, () => {
    const digest = read(headers);
    assert.equal(digest.kind, 'malformed');
    assert.match(digest.kind === 'malformed' ? digest.detail : '', named);
  });
}

test('what is formatted is read back', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.constantFrom('repr-digest', 'content-digest'),
      (bytes, name) => {
        const sha256 = Buffer.from(bytes).toString('hex');
        assert.deepEqual(read({ [name]: formatReprDigest(sha256) }), { kind: 'declared', sha256 });
      },
    ),
  );
});

test('no header value makes it throw, and only 64 hex digits are ever declared', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.string({ unit: 'binary' }), { nil: undefined }), { minLength: 3, maxLength: 3 }),
      (values) => {
        const names = ['x-content-sha256', 'repr-digest', 'content-digest'];
        const digest = readDeclaredDigest((name) => values[names.indexOf(name)]);
        if (digest.kind === 'declared') assert.match(digest.sha256, /^[0-9a-f]{64}$/);
      },
    ),
  );
});
