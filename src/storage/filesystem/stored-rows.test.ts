import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StoredAt } from '../ledger-reader.ts';
import { lineOf, tombstoneLineOf } from '../storage.fixture.ts';
import { parseStoredLine, StoredRows } from './stored-rows.ts';
import { storedTimeUs } from './stored-time.ts';

const WALL = '2026-05-01T06:37:53.830599+00:00';
const AT = storedTimeUs(WALL) as number;
const COMMIT = 'd'.repeat(40);
const stored = (hostId: string, commit?: string): StoredAt => ({ hostId, receivedAtUs: AT, commit });

const LINES: [string, string, StoredAt | 'left-out' | 'bad'][] = [
  ['a row as our receiver writes it', lineOf('e1', { commit: COMMIT, seq: 1 }), stored('h1', COMMIT)],
  ['a row from before the gate', lineOf('e1'), stored('h1')],
  ['an unstamped row', lineOf('e1', { commit: null }), stored('h1')],
  [
    'a row of an older receiver',
    `{"received_at_wall": "${WALL}", "host_id": "h1", "commit": "c"}\n`,
    stored('h1', 'c'),
  ],
  ['a row with nothing but a host and a time', `{"host_id":"h1","received_at_wall":"${WALL}"}\n`, stored('h1')],
  ['a row with an escaped host', lineOf('e1').replace('"h1"', '"\\u0068\\u0031"'), stored('h1')],
  ['a row with fields of a later receiver', lineOf('e1', { later: { deep: [1] } }), stored('h1')],
  ['a row that ends with a carriage return', lineOf('e1').replace('\n', '\r\n'), stored('h1')],
  ['a field twice: the last one counts', lineOf('e1').replace('}', ',"host_id":"h2"}'), stored('h2')],
  [
    'a time of seconds',
    lineOf('e1', { received_at_wall: '2026-05-01T06:37:53Z' }),
    { ...stored('h1'), receivedAtUs: AT - 830_599 },
  ],
  ['a commit that is no text', lineOf('e1', { commit: 7 } as never), stored('h1')],
  ['a commit with other letters', lineOf('e1', { commit: 'ünï' }), stored('h1', 'ünï')],
  ['a row that says when it was retracted', lineOf('e1', { retracted_at_wall: WALL }), stored('h1')],
  ['a tombstone', tombstoneLineOf('e1'), 'left-out'],
  ['an empty line', '\n', 'left-out'],
  ['spaces', ' \t\r\n', 'left-out'],
  ['a host that is none', lineOf('e1', { host_id: '../h1' }), 'left-out'],
  ['a host whose name is too long', lineOf('e1', { host_id: 'h'.repeat(65) }), 'left-out'],
  ['a host without a name', lineOf('e1', { host_id: '' }), 'left-out'],
  ['no host', lineOf('e1', { host_id: undefined } as never), 'bad'],
  ['a host that is a number', lineOf('e1', { host_id: 7 } as never), 'bad'],
  ['no time', lineOf('e1', { received_at_wall: undefined } as never), 'bad'],
  ['a day that is none', lineOf('e1', { received_at_wall: '2026-02-30T06:37:53.830599+00:00' }), 'bad'],
  ['an hour that is none', lineOf('e1', { received_at_wall: '2026-05-01T24:37:53.830599+00:00' }), 'bad'],
  ['a list', '[]\n', 'bad'],
  ['null', 'null\n', 'bad'],
  ['a torn line', `${lineOf('e1').slice(0, -20)}\n`, 'bad'],
  ['two rows in one line', lineOf('e1').replace('\n', lineOf('e2')), 'bad'],
  ['a number with a zero before it', lineOf('e1').replace('"bytes":12', '"bytes":012'), 'bad'],
  ['a control character in a text', lineOf('e1').replace('"e1"', '"e\u0001"'), 'bad'],
  ['bytes that are no text', '\u0000\u00ff\n', 'bad'],
];

for (const [what, line, expected] of LINES) {
  test(`${what}: ${typeof expected === 'string' ? expected : 'a row'}`, () => {
    const rows = new StoredRows();
    assert.deepEqual(rows.parse(Buffer.from(line)), typeof expected === 'string' ? [] : [expected]);
    assert.equal(rows.badLines, expected === 'bad' ? 1 : 0);
    assert.deepEqual(parseStoredLine(line.slice(0, -1)), expected);
  });
}

const text = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('', '"', '\\', '\n', '\u0001', 'h'.repeat(65)),
);
const wallTime = fc.oneof(
  fc
    .tuple(...[2027, 14, 33, 26, 62, 62, 999_999].map((max, index) => fc.nat(index === 0 ? 3 : max)))
    .map(([y = 0, mo, d, h, mi, s, us]) => {
      const two = (value = 0) => String(value).padStart(2, '0');
      return `${2024 + y}-${two(mo)}-${two(d)}T${two(h)}:${two(mi)}:${two(s)}.${String(us).padStart(6, '0')}+00:00`;
    }),
  fc.constantFrom(WALL, '2026-05-01T06:37:53Z', '0000-05-01T06:37:53.830599+00:00', 'now'),
);
const json = fc.jsonValue({ maxDepth: 1 });
const plainRow = fc.record(
  {
    host_id: text,
    episode_id: text,
    received_at_wall: wallTime,
    sha256: text,
    bytes: fc.oneof(fc.nat(), fc.double()),
    path: text,
    schema_version: fc.oneof(fc.constant(null), text, fc.nat()),
    commit: fc.oneof(fc.constant(null), text, fc.constant(COMMIT)),
    dirty: fc.oneof(fc.boolean(), fc.constant(null)),
    gate: fc.oneof(text, fc.record({ head: fc.oneof(fc.constant(null), text), source: text }), json),
    seq: fc.nat(),
    later: json,
  },
  { requiredKeys: ['host_id', 'episode_id', 'received_at_wall', 'sha256', 'bytes', 'path'] },
);
/** A line as it is, or with one character taken away, put in its place, or put before it. */
const line = fc
  .tuple(
    plainRow,
    fc.constantFrom('whole', 'whole', 'cut', 'changed', 'added'),
    fc.nat(),
    fc.constantFrom(...'{}[]",:\\ 0a\t\r\u00e9'),
  )
  .map(([row, how, at, character]) => {
    const whole = JSON.stringify(row);
    const index = at % whole.length;
    if (how === 'whole') return whole;
    return whole.slice(0, index) + (how === 'cut' ? '' : character) + whole.slice(how === 'added' ? index : index + 1);
  });

test('the short way says of every line what the long way says', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const expected = lines.map((it) => parseStoredLine(it.toWellFormed()));
      const rows = new StoredRows();
      const found = rows.parse(Buffer.from(lines.map((it) => `${it}\n`).join('')));
      assert.deepEqual(
        found,
        expected.filter((it) => typeof it !== 'string'),
      );
      assert.equal(rows.badLines, expected.filter((it) => it === 'bad').length);
    }),
    { numRuns: 400, seed },
  );
});
