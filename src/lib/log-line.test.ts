import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatLogLine, type LogForm, type LogRecord, parsePlainLogLine } from './log-line.ts';

const WALL = '2026-05-01T06:37:53.830599+00:00';

function plain(record: Partial<LogRecord>): string {
  return formatLogLine({ level: 30, msg: 'm', ...record }, 'plain', WALL);
}

describe('the three forms', () => {
  for (const [form, line] of [
    ['journal', '<4>episode packed host=lab-07 bytes=12\n'],
    ['plain', `${WALL} WARNING episode packed host=lab-07 bytes=12\n`],
    ['terminal', '\x1b[2m06:37:53.830\x1b[0m \x1b[33mWARNING\x1b[0m episode packed host=lab-07 bytes=12\n'],
  ] satisfies [LogForm, string][]) {
    test(form, () => {
      assert.equal(formatLogLine({ level: 40, msg: 'episode packed', host: 'lab-07', bytes: 12 }, form, WALL), line);
    });
  }
});

describe('levels', () => {
  for (const [level, severity, word] of [
    [10, 7, 'DEBUG'],
    [20, 7, 'DEBUG'],
    [29, 7, 'DEBUG'],
    [30, 6, 'INFO'],
    [40, 4, 'WARNING'],
    [50, 3, 'ERROR'],
    [60, 2, 'CRITICAL'],
  ] as const) {
    test(`${level} is ${word}`, () => {
      assert.equal(formatLogLine({ level, msg: 'm' }, 'journal', WALL), `<${severity}>m\n`);
      assert.equal(formatLogLine({ level, msg: 'm' }, 'plain', WALL), `${WALL} ${word} m\n`);
    });
  }
});

describe('values', () => {
  for (const [value, text] of [
    ['plain', 'v=plain'],
    ['', 'v=""'],
    ['two words', 'v="two words"'],
    ['back\\slash', 'v=back\\slash'],
    ['back\\slash and space\\', 'v="back\\\\slash and space\\\\"'],
    ['\\"', 'v="\\\\\\""'],
    ['say "hi"', 'v="say \\"hi\\""'],
    [0, 'v=0'],
    [false, 'v=false'],
    [null, 'v=null'],
    [{ a: 1 }, 'v="{\\"a\\":1}"'],
    [[1, 2], 'v=[1,2]'],
    ['a=b', 'v=a=b'],
    ['a\tb', 'v=a?b'],
    ['\x1b[2J\x07', 'v=?[2J?'],
    ['c1 \x9b', 'v="c1 ?"'],
    ['a\u2028b\u2029c', 'v=a?b?c'],
    ['del\x7f', 'v=del?'],
  ] satisfies [unknown, string][]) {
    test(JSON.stringify(value), () => assert.equal(plain({ v: value }), `${WALL} INFO m ${text}\n`));
  }
  test('what is undefined is left out', () => assert.equal(plain({ a: undefined, b: 1 }), `${WALL} INFO m b=1\n`));
  test('a record without a message', () => {
    assert.equal(formatLogLine({ level: 30, a: 1 }, 'journal', WALL), '<6> a=1\n');
  });
});

describe('errors', () => {
  const err = { type: 'Error', message: 'no "room"', stack: 'Error: no\n    at x' };
  test('the message alone', () => assert.equal(plain({ level: 50, err }), `${WALL} ERROR m error="no \\"room\\""\n`));
  test('the stack only when debugging', () => {
    assert.equal(plain({ level: 20, err }), `${WALL} DEBUG m error="no \\"room\\"" stack="Error: no at x"\n`);
  });
  test('no stack from INFO on', () => {
    assert.equal(plain({ level: 30, err }), `${WALL} INFO m error="no \\"room\\""\n`);
  });
  test('a field of that name which is no error', () => assert.equal(plain({ err: 'x' }), `${WALL} INFO m err=x\n`));
});

describe('nothing forges a line', () => {
  const forgery = `x\n${WALL} ERROR forged host=victim\r\n<3>forged\x1b[1A`;
  for (const form of ['journal', 'plain', 'terminal'] satisfies LogForm[]) {
    for (const [where, record] of [
      ['message', { level: 30, msg: forgery }],
      ['field', { level: 30, msg: 'm', v: forgery }],
      ['nested field', { level: 30, msg: 'm', v: { w: forgery } }],
      ['error', { level: 20, msg: 'm', err: { message: forgery, stack: forgery } }],
    ] satisfies [string, LogRecord][]) {
      test(`${where}, ${form}`, () => {
        const line = formatLogLine(record, form, WALL);
        const head = formatLogLine({ level: record.level, msg: '' }, form, WALL).slice(0, -1);
        assert.ok(line.startsWith(head) && line.endsWith('\n'));
        assert.doesNotMatch(line.slice(head.length, -1), /[\p{Cc}\u2028\u2029]/u);
      });
    }
  }
  test('a value cannot end its quotes and begin a field', () => {
    assert.deepEqual(parsePlainLogLine(plain({ a: 'x" host=victim "', host: 'lab-07' }).trimEnd())?.fields, {
      a: 'x" host=victim "',
      host: 'lab-07',
    });
  });
});

test('a long run of white space, with line breaks in it and without', () => {
  const spaces = ' '.repeat(200_000);
  const breaks = '\n'.repeat(200_000);
  for (const [value, text] of [
    [`a${spaces}b`, `v="a${spaces}b"`],
    [`a${spaces}b\nc`, `v="a${spaces}b c"`],
    [`a${spaces}\n${spaces}b`, 'v="a b"'],
    [`a${breaks}b`, 'v="a b"'],
    [`a${' \n'.repeat(200_000)}b`, `v="a${spaces}b"`],
  ] as const) {
    assert.ok(plain({ v: value }) === `${WALL} INFO m ${text}\n`, `${value.length} characters`);
  }
});

test('a plain line is read back: its level, message and fields', () => {
  const key = fc
    .stringMatching(/^[a-z_][A-Za-z0-9_]{0,8}$/)
    .filter((name) => !['level', 'msg', 'err', '__proto__'].includes(name));
  const word = fc.stringMatching(/^[a-z:;,.()-]{1,8}$/);
  const hard = fc.constantFrom('\\', '"', ' ', '\n', '\r\n', '\t', '=', ' key=', 'x');
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(hard, { maxLength: 12 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.dictionary(key, value), (words, values) => {
      const message = words.join(' ');
      const line = formatLogLine({ level: 50, msg: message, ...values }, 'plain', WALL);
      const fields = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, replaceControl(text)]));
      const read = parsePlainLogLine(line.slice(0, -1));
      assert.deepEqual({ ...read, fields: { ...read?.fields } }, { level: 'ERROR', message, fields: { ...fields } });
    }),
    { numRuns: 1_000 },
  );
});

for (const line of [
  '',
  'x',
  'episode packed host=lab-07',
  `${WALL} NOTICE x`,
  '<6>episode packed',
  `${WALL}  INFO x`,
]) {
  test(`no plain line: ${JSON.stringify(line)}`, () => assert.equal(parsePlainLogLine(line), undefined));
}

/** The documented replacement: line breaks, and the white space around lines, become one space; other control characters `?`. */
function replaceControl(text: string): string {
  const lines = text.split(/[\r\n]+/);
  const joined = lines.length === 1 ? text : lines.map((line) => line.trim()).join(' ');
  return [...joined].map((character) => (/[\p{Cc}\u2028\u2029]/u.test(character) ? '?' : character)).join('');
}
