import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeMeta, type GivenMeta, parseRecorderMeta } from './complete-meta.ts';
import { COMMIT } from './orchestrator.fixture.ts';

const NOTHING_GIVEN: GivenMeta = { id: undefined, commit: undefined, schemaVersion: undefined };
const UNKNOWN = {
  episode_id: 'named',
  host_id: 'h1',
  schema_version: null,
  workload: 'publish',
  started_at_wall: null,
  ended_at_wall: null,
  duration_s: null,
  exit: null,
  code_version: null,
};
const complete = (own: Record<string, unknown>, given: Partial<GivenMeta> = {}) =>
  completeMeta(own, { ...NOTHING_GIVEN, ...given }, 'h1', () => 'named');
const stamp = { commit: COMMIT, dirty: false, stamped_at_wall: null };

const cases: [title: string, own: Record<string, unknown>, given: Partial<GivenMeta>, meta: Record<string, unknown>][] =
  [
    ['nothing is made up', {}, {}, {}],
    [
      'the command line fills in',
      {},
      { id: 'i', commit: COMMIT, schemaVersion: '2' },
      { episode_id: 'i', schema_version: '2', code_version: stamp },
    ],
    ['unknown fields stay', { robot: { arm: 1 } }, {}, { robot: { arm: 1 } }],
    ['its id is its own', { episode_id: 'own' }, {}, { episode_id: 'own' }],
    ['a given id counts more', { episode_id: 'own' }, { id: 'given' }, { episode_id: 'given' }],
    ['an id that is none does not count', { episode_id: '../x' }, {}, {}],
    ['the host is this one', { host_id: 'elsewhere' }, {}, {}],
    [
      'sound fields stand',
      { workload: 'arm', duration_s: 1.5, schema_version: 3, exit: { code: 0 } },
      { schemaVersion: '3' },
      { workload: 'arm', duration_s: 1.5, schema_version: 3, exit: { code: 0 } },
    ],
    ['unsound ones do not', { workload: 7, duration_s: -1, schema_version: [], exit: 0, started_at_wall: 5 }, {}, {}],
    [
      'its commit, in lower case, with what else it says',
      { code_version: { commit: COMMIT.toUpperCase(), dirty: true, tag: 'v1' } },
      { commit: COMMIT },
      { code_version: { ...stamp, dirty: true, tag: 'v1' } },
    ],
    [
      'a commit that is none is filled in',
      { code_version: { commit: 'main' } },
      { commit: COMMIT },
      { code_version: stamp },
    ],
  ];
for (const [title, own, given, meta] of cases) {
  test(title, () => assert.deepEqual(complete(own, given), { ...UNKNOWN, ...meta }));
}

test('another commit or schema version than meta.json has is refused', () => {
  const own = { code_version: { commit: COMMIT }, schema_version: '1' };
  assert.throws(() => complete(own, { commit: 'f'.repeat(40) }), { code: 'bad-input', message: /--commit says f+, / });
  assert.throws(() => complete(own, { schemaVersion: '2' }), {
    code: 'bad-input',
    hint: /leave --schema-version away/,
  });
});

test('only an object is a meta.json', () => {
  for (const text of ['', '{', '[]', 'null', '1', '"a"']) assert.equal(parseRecorderMeta(text), undefined, text);
  assert.deepEqual(parseRecorderMeta('{"a":1}'), { a: 1 });
});
