import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigPath, parseTomlDocument, type TomlDocument } from './toml-document.ts';

function parsed(text: string): TomlDocument {
  const outcome = parseTomlDocument(text);
  assert.ok(outcome.kind === 'parsed', JSON.stringify(outcome));
  return outcome.document;
}

const TEXT = `top = 1
dotted.key = "x"

[table]
list = [
  1,
  { inner = 2 },
]
inline = { a = 1, b = 2 }
[[many]]
name = "first"
[many.env]
A = "x"
[[many]]
name = "second"
[deep.below]
z = 1
[deep]
y = 1
`;

test('every key has its line, with indexes in lists and arrays of tables', () => {
  const document = parsed(TEXT);
  const cases: [path: ConfigPath, line: number][] = [
    [['top'], 1],
    [['dotted'], 2],
    [['dotted', 'key'], 2],
    [['table'], 4],
    [['table', 'list'], 5],
    [['table', 'list', 0], 6],
    [['table', 'list', 1], 7],
    [['table', 'list', 1, 'inner'], 7],
    [['table', 'inline', 'b'], 9],
    [['many', 0], 10],
    [['many', 0, 'name'], 11],
    [['many', 0, 'env'], 12],
    [['many', 0, 'env', 'A'], 13],
    [['many', 1], 14],
    [['many', 1, 'name'], 15],
    [['deep', 'below', 'z'], 17],
    [['deep'], 18],
    // What is not there has the line of the nearest table around it, or the first.
    [['table', 'absent'], 4],
    [['many', 1, 'env', 'A'], 14],
    [['absent', 'key'], 1],
    [[], 1],
  ];
  for (const [path, line] of cases) assert.equal(document.lineOf(path), line, path.join('.'));
});

test('the value and the number of keys', () => {
  const document = parsed(TEXT);
  assert.deepEqual(document.value, {
    top: 1,
    dotted: { key: 'x' },
    table: { list: [1, { inner: 2 }], inline: { a: 1, b: 2 } },
    many: [{ name: 'first', env: { A: 'x' } }, { name: 'second' }],
    deep: { below: { z: 1 }, y: 1 },
  });
  assert.equal(document.keyCount, 11);
  assert.equal(parsed('a = 1\r\n\r\nb = 2\r\n').lineOf(['b']), 3);
  assert.equal(parsed('# nothing\n').keyCount, 0);
});

test('what is not TOML has a line and a message', () => {
  const cases: [text: string, line: number, message: RegExp][] = [
    ['a = 1\na = 2\n', 2, /given twice/],
    ['[t]\n[u]\n[t]\n', 3, /given twice/],
    ['a = 1\n\nb = yes\n', 3, /unexpected character \(text needs quotes\)/],
    ['a = "x\nb = 1\n', 1, /unterminated string/],
    ['a = 1\nb = \n\n\n[c]\n', 2, /no value after =$/],
    ['a = 1\nb =', 2, /no value after =$/],
    ['a = 1 b = 2', 1, /at column 7/],
  ];
  for (const [text, line, message] of cases) {
    const outcome = parseTomlDocument(text);
    assert.ok(outcome.kind === 'malformed', text);
    assert.equal(outcome.line, line, text);
    assert.match(outcome.message, message, text);
  }
});

test('no text reaches Object.prototype', () => {
  for (const text of [
    'a=1\n[__proto__]\npolluted = 1',
    'a=1\nb.__proto__.polluted = 1',
    'a=1\nx = { __proto__ = { polluted = 1 } }',
  ]) {
    assert.deepEqual(parseTomlDocument(text), {
      kind: 'malformed',
      line: 2,
      message: 'found the key "__proto__"; allowed: any other name',
    });
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  }
  assert.equal(parseTomlDocument('constructor = 1').kind, 'malformed');
});
