import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type CodeVersion, type MetaStamp, parseVersionFile, readMetaStamp } from './episode-meta.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const WALL = '2026-05-01T06:37:53.830599+00:00';
const UNSTAMPED: MetaStamp = { commit: undefined, dirty: false, schemaVersion: undefined };

describe('VERSION', () => {
  const cases: [title: string, text: string, version: CodeVersion | undefined][] = [
    [
      'JSON in full',
      JSON.stringify({ commit: COMMIT, dirty: true, stamped_at_wall: WALL }),
      { commit: COMMIT, dirty: true, stamped_at_wall: WALL },
    ],
    ['JSON with the commit alone', JSON.stringify({ commit: COMMIT.toUpperCase() }), { commit: COMMIT, dirty: false }],
    [
      'JSON with an unknown field',
      JSON.stringify({ commit: COMMIT, branch: 'main' }),
      { commit: COMMIT, dirty: false },
    ],
    [
      'a null time',
      JSON.stringify({ commit: COMMIT, stamped_at_wall: null }),
      { commit: COMMIT, dirty: false, stamped_at_wall: null },
    ],
    ['a bare line', `${COMMIT}\n`, { commit: COMMIT, dirty: false, stamped_at_wall: null }],
    ['a bare line of digits alone', '1'.repeat(40), { commit: '1'.repeat(40), dirty: false, stamped_at_wall: null }],
    ['nothing', '', undefined],
    ['an abbreviated commit', COMMIT.slice(0, 12), undefined],
    ['a release number', '1.2.3\n', undefined],
    ['two lines', `${COMMIT}\n${COMMIT}\n`, undefined],
    ['JSON without a commit', '{"dirty":false}', undefined],
    ['a bad commit', '{"commit":"main"}', undefined],
    ['a commit that is no text', '{"commit":1}', undefined],
    ['dirty that is not true or false', JSON.stringify({ commit: COMMIT, dirty: 'no' }), undefined],
    ['JSON cut off', `{"commit":"${COMMIT}"`, undefined],
    ['a list', `["${COMMIT}"]`, undefined],
    ['a text in JSON', `"${COMMIT}"`, undefined],
    ['null', 'null', undefined],
  ];
  for (const [title, text, version] of cases) test(title, () => assert.deepEqual(parseVersionFile(text), version));
});

describe('the stamp of meta.json', () => {
  const cases: [title: string, meta: unknown, stamp: Partial<MetaStamp>][] = [
    [
      'in full',
      { schema_version: '7', code_version: { commit: COMMIT, dirty: true } },
      { commit: COMMIT, dirty: true, schemaVersion: '7' },
    ],
    ['a commit in upper case', { code_version: { commit: COMMIT.toUpperCase() } }, { commit: COMMIT }],
    ['a number as the schema version', { schema_version: 2.5 }, { schemaVersion: '2.5' }],
    ['zero as the schema version', { schema_version: 0 }, { schemaVersion: '0' }],
    ['fields of other recorders', { code_version: { commit: COMMIT, tag: 'v1' }, anything: [] }, { commit: COMMIT }],
    ['an empty object', {}, {}],
    ['nulls', { schema_version: null, code_version: null }, {}],
    ['nulls inside', { code_version: { commit: null, dirty: null } }, {}],
    [
      'a malformed commit loses the commit alone',
      { schema_version: '7', code_version: { commit: 'main', dirty: true } },
      { schemaVersion: '7', dirty: true },
    ],
    ['an empty commit', { code_version: { commit: '' } }, {}],
    [
      'a commit that is no text',
      { schema_version: '7', code_version: { commit: { a: 1 }, dirty: true } },
      { schemaVersion: '7', dirty: true },
    ],
    ['dirty that is not true or false', { code_version: { commit: COMMIT, dirty: 'yes' } }, { commit: COMMIT }],
    [
      'a schema version that is a list',
      { schema_version: ['7'], code_version: { commit: COMMIT } },
      { commit: COMMIT },
    ],
    ['a schema version of one character', { schema_version: '!' }, { schemaVersion: '!' }],
    ['a schema version with a space inside', { schema_version: 'v 7~' }, { schemaVersion: 'v 7~' }],
    ['a schema version of 128', { schema_version: 'x'.repeat(128) }, { schemaVersion: 'x'.repeat(128) }],
    ...[
      '',
      ' ',
      ' 7',
      '7 ',
      '7\n',
      '7\r\nX-Forged: 1',
      '7\0',
      '\x7f',
      'ü',
      '日本',
      'x'.repeat(129),
      'x'.repeat(100_000),
    ].map((text): [string, unknown, Partial<MetaStamp>] => [
      `a schema version that no header carries: ${JSON.stringify(text).slice(0, 20)}`,
      { schema_version: text, code_version: { commit: COMMIT } },
      { commit: COMMIT },
    ]),
    ['a code version that is a text', { schema_version: '7', code_version: COMMIT }, { schemaVersion: '7' }],
    ['a code version that is a list', { code_version: [COMMIT] }, {}],
    ['a list', [{ code_version: { commit: COMMIT } }], {}],
    ['null', null, {}],
    ['a number', 1, {}],
    ['a text', COMMIT, {}],
  ];
  for (const [title, meta, stamp] of cases) {
    test(title, () => assert.deepEqual(readMetaStamp(JSON.stringify(meta)), { ...UNSTAMPED, ...stamp }));
  }
  for (const text of ['', ' ', '{', `{"code_version":{"commit":"${COMMIT}"}`, '\0', 'PK\x03\x04']) {
    test(`no JSON: ${JSON.stringify(text)}`, () => assert.deepEqual(readMetaStamp(text), UNSTAMPED));
  }
});

test('neither throws on any text or JSON, and each commit that comes out is well-formed', () => {
  const almostMeta = fc.record(
    {
      schema_version: fc.jsonValue(),
      code_version: fc.record({ commit: fc.jsonValue(), dirty: fc.jsonValue() }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    almostMeta.map((meta) => JSON.stringify(meta)),
  );
  fc.assert(
    fc.property(text, (metaText) => {
      const { commit, dirty, schemaVersion } = readMetaStamp(metaText);
      assert.match(commit ?? COMMIT, /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/);
      assert.equal(typeof dirty, 'boolean');
      assert.match(schemaVersion ?? '7', /^[\x20-\x7e]{1,128}$/);
      assert.match(parseVersionFile(metaText)?.commit ?? COMMIT, /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/);
    }),
    { numRuns: 500 },
  );
});
