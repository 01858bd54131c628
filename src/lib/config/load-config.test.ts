import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { AppError } from '../app-error.ts';
import { ConfigError } from './config-error.ts';
import { configPath } from './config-path.ts';
import { addMistake, defineConfig, whenSound } from './define-config.ts';
import { durationInSeconds } from './duration.ts';
import { loadConfig } from './load-config.ts';
import { secretFile } from './secret-file.ts';

const definition = defineConfig({
  title: 'Kettle',
  defaultPath: '/etc/kettle.toml',
  olderKeys: [
    { path: ['water', 'token'], instead: 'token_file', inlineSecret: true },
    { path: ['old_name'], instead: 'name' },
    { path: ['water', 'directory'], instead: 'source' },
  ],
  schema: (context) =>
    z.strictObject({
      name: z
        .string()
        .regex(/^[a-z]+$/, 'must be lower-case letters')
        .meta({ description: 'Its name.', example: 'kitchen' }),
      color: z.enum(['red', 'blue']).default('red').meta({ description: 'Its colour.' }),
      water: z
        .strictObject({
          source: configPath(context).optional().meta({ description: 'From where.', example: 'tap' }),
          token_file: secretFile(context).optional().meta({ description: 'The key to it.', example: 'token' }),
          wait_s: durationInSeconds().prefault(10).meta({ description: 'How long.' }),
          lowest_level: z.int().min(1).max(16).default(2).meta({ description: 'From here.' }),
          highest_level: z.int().default(8).meta({ description: 'To here.' }),
          tags: z
            .array(z.string())
            .min(1)
            .optional()
            .meta({ description: 'Tags.', example: ['a'] }),
        })
        .superRefine(
          ({ lowest_level, highest_level }, refinement) => {
            if (lowest_level <= highest_level) return;
            addMistake(refinement, `${lowest_level}, above highest_level`, 'no more than highest_level', [
              'lowest_level',
            ]);
          },
          { when: whenSound('lowest_level', 'highest_level') },
        )
        .meta({ description: 'Water.' }),
      cup: z
        .array(
          z.strictObject({
            owner: z.string().meta({ description: 'Whose.', example: 'me' }),
            env: z
              .record(z.string().regex(/^[A-Z]+$/), z.string())
              .default({})
              .meta({ description: 'Variables.' }),
          }),
        )
        .default([])
        .meta({ description: 'A cup.' }),
    }),
});

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'load-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function writeConfig(directory: string, text: string | Uint8Array): string {
  const path = join(directory, 'kettle.toml');
  writeFileSync(path, text);
  return path;
}

function errorOf(path: string): ConfigError {
  try {
    loadConfig(definition, path);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  assert.fail('the configuration was accepted');
}

/** The lines of the error, with the path of the file cut off. */
function mistakesOf(directory: string, text: string): string[] {
  const path = writeConfig(directory, text);
  return errorOf(path)
    .message.split('\n')
    .map((line) => {
      assert.ok(line.startsWith(`${path}:`), line);
      return line.slice(path.length + 1);
    });
}

test('defaults fill what the file leaves out, sections included', (t) => {
  const path = writeConfig(temporaryDirectory(t), '\ufeffname = "kitchen"\n');
  assert.deepEqual(loadConfig(definition, path), {
    config: { name: 'kitchen', color: 'red', water: { wait_s: 10, lowest_level: 2, highest_level: 8 }, cup: [] },
    warnings: [],
    keyCount: 1,
  });
});

test('units are converted, and paths and secrets start at the directory of the file', (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'token'), 'hunter2\n');
  chmodSync(join(directory, 'token'), 0o600);
  const path = writeConfig(
    directory,
    'name = "kitchen"\n[water]\nsource = "tap/cold"\ntoken_file = "token"\nwait_s = "2 min"\n[[cup]]\nowner = "me"\nenv = { A = "x" }\n',
  );
  const { config, keyCount } = loadConfig(definition, path);
  assert.equal(config.water.source, join(directory, 'tap/cold'));
  assert.equal(config.water.token_file?.reveal(), 'hunter2');
  assert.equal(config.water.wait_s, 120);
  assert.deepEqual(config.cup, [{ owner: 'me', env: { A: 'x' } }]);
  assert.equal(keyCount, 6);
});

test('each mistake names its line, its key, what was found and what is allowed', (t) => {
  const directory = temporaryDirectory(t);
  const name = 'name = "kitchen"\n';
  const cases: [text: string, ...mistakes: string[]][] = [
    ['', '1: name: found nothing; allowed: text in quotes, for example "kitchen"'],
    ['name = 12', '1: name: found 12 (a number); allowed: text in quotes, for example "kitchen"'],
    ['name = "A"', '1: name: found "A"; allowed: lower-case letters'],
    [`${name}color = "green"`, '2: color: found "green"; allowed: "red" or "blue"'],
    [
      `${name}colour = "red"`,
      '2: colour: found an unknown key; allowed: name, color, [water], [[cup]] (did you mean color?)',
    ],
    [`${name}zzz = 1`, '2: zzz: found an unknown key; allowed: name, color, [water], [[cup]]'],
    [
      `${name}[waiter]\nx = 1`,
      '2: [waiter]: found an unknown table; allowed: name, color, [water], [[cup]] (did you mean [water]?)',
    ],
    [
      `${name}[[cups]]\nx = 1`,
      '2: [[cups]]: found an unknown array of tables; allowed: name, color, [water], [[cup]] (did you mean [[cup]]?)',
    ],
    [`${name}water = 3`, '2: [water]: found 3 (a number); allowed: a table'],
    [
      `${name}[cup]\nowner = "me"`,
      '2: [[cup]]: found a table; allowed: an array of tables, each under its own [[header]]',
    ],
    [`${name}\n[water]\nlowest_level = 17`, '4: [water] lowest_level: found 17; allowed: a whole number, 1 to 16'],
    [
      `${name}\n[water]\nlowest_level = 2.5`,
      '4: [water] lowest_level: found 2.5 (a number); allowed: a whole number, 1 to 16',
    ],
    [
      `${name}\n[water]\nlowest_level = true`,
      '4: [water] lowest_level: found true (a boolean); allowed: a whole number, 1 to 16',
    ],
    [
      `${name}\n[water]\nlowest_level = 9`,
      '4: [water] lowest_level: found 9, above highest_level; allowed: no more than highest_level',
    ],
    [
      `${name}\n[water]\nhighest_level = 2024-01-01`,
      '4: [water] highest_level: found a date (2024-01-01T00:00:00.000Z); allowed: a whole number',
    ],
    [
      `${name}[water]\ntags = []`,
      '3: [water] tags: found an empty list; allowed: a list, not empty, each: text in quotes',
    ],
    [`${name}[water]\ntags = [\n"a",\n4]`, '5: [water] tags[1]: found 4 (a number); allowed: text in quotes'],
    [
      `${name}[water]\nsource = ""`,
      '3: [water] source: found ""; allowed: a path; a relative one starts at the directory of this file',
    ],
    [
      `${name}[water]\nsource = "a\\u0000b"`,
      '3: [water] source: found "a\\u0000b"; allowed: a path; a relative one starts at the directory of this file',
    ],
    [
      `${name}[water]\nwait_s = "${'x'.repeat(100)}"`,
      `3: [water] wait_s: found "${'x'.repeat(57)}…"; allowed: a number of seconds or text such as "30 min" (ms, s, min, h, days); more than 0, at most 24 days`,
    ],
    [
      `${name}[[cup]]\nowner = "a"\n[[cup]]\nenv = {}`,
      '4: [[cup]] owner: found nothing; allowed: text in quotes, for example "me"',
    ],
    [`${name}[[cup]]\nowner = "a"\n[cup.env]\nA = 1`, '5: [[cup]] env.A: found 1 (a number); allowed: text in quotes'],
    [`${name}[[cup]]\nowner = "a"\n[cup.env]\nb = "1"`, '5: [[cup]] env.b: found the name "b"; allowed: another name'],
    [
      `${name}[[cup]]\nowner = "a"\nowned = 1`,
      '4: [[cup]] owned: found an unknown key; allowed: owner, env (did you mean owner?)',
    ],
    [`${name}${name}`, '2: not valid TOML 1.0 at column 1: this key or table is given twice'],
  ];
  for (const [text, ...mistakes] of cases) assert.deepEqual(mistakesOf(directory, text), mistakes, text);
});

test('all mistakes are reported at once, in the order of the file', (t) => {
  const directory = temporaryDirectory(t);
  const text = '[water]\nlowest_level = 9\nwait_s = true\nunknown = 1\n[[cup]]\n[other]\n';
  assert.deepEqual(
    mistakesOf(directory, text).map((line) => line.replace(/: found.*/, '')),
    ['1: name', '2: [water] lowest_level', '3: [water] wait_s', '4: [water] unknown', '5: [[cup]] owner', '6: [other]'],
  );
});

test('a mistake is data, too', (t) => {
  const path = writeConfig(temporaryDirectory(t), 'name = 1\n');
  const error = errorOf(path);
  assert.ok(error instanceof AppError);
  assert.equal(error.code, 'bad-config');
  assert.equal(error.hint, `correct ${path}, then start again`);
  const message = 'found 1 (a number); allowed: text in quotes, for example "kitchen"';
  assert.deepEqual(error.mistakes, [{ file: path, line: 1, key: 'name', message }]);
});

test('a file that cannot be read', (t) => {
  const directory = temporaryDirectory(t);
  const missing = errorOf(join(directory, 'absent.toml'));
  assert.equal(missing.message, `${directory}/absent.toml: there is no such file`);
  assert.match(missing.hint ?? '', /^create it .*--config/);
  mkdirSync(join(directory, 'folder'));
  assert.match(errorOf(join(directory, 'folder')).message, /folder: cannot be read: EISDIR/);
  assert.match(errorOf(writeConfig(directory, Uint8Array.of(0x61, 0xff))).message, /kettle\.toml: not UTF-8 text$/);
});

test('older keys work, with a warning', (t) => {
  const directory = temporaryDirectory(t);
  const path = writeConfig(directory, 'old_name = "kitchen"\n[water]\ndirectory = "tap"\ntoken = " hunter2 "\n');
  const { config, warnings } = loadConfig(definition, path);
  assert.equal(config.name, 'kitchen');
  assert.equal(config.water.source, join(directory, 'tap'));
  assert.equal(config.water.token_file?.reveal(), 'hunter2');
  assert.deepEqual(warnings, [
    `${path}:1: old_name is deprecated; use name`,
    `${path}:3: [water] directory is deprecated; use source`,
    `${path}:4: [water] token is deprecated; use token_file`,
  ]);
});

test('older keys and their mistakes', (t) => {
  const directory = temporaryDirectory(t);
  const name = 'name = "kitchen"\n';
  const cases: [text: string, mistake: string][] = [
    [
      `${name}[water]\nsource = "a"\ndirectory = "b"`,
      '4: [water] directory: found both directory, which is deprecated, and source; allowed: source alone',
    ],
    [
      `${name}[water]\n\ndirectory = 3`,
      '4: [water] directory: found 3 (a number); allowed: a path; a relative one starts at the directory of this file',
    ],
    [
      `${name}[water]\ntoken = 90210`,
      '3: [water] token: found a number (not shown); allowed: the secret as text, or better token_file',
    ],
    [
      `${name}[water]\ntoken = ""`,
      '3: [water] token: found empty text (not shown); allowed: the secret as text, or better token_file',
    ],
    [`${name}water = 1`, '2: [water]: found 1 (a number); allowed: a table'],
  ];
  for (const [text, mistake] of cases) assert.deepEqual(mistakesOf(directory, text), [mistake], text);
});

test('no mistake shows a secret', (t) => {
  const directory = temporaryDirectory(t);
  for (const text of [
    'token_file = "hunter2"',
    'token = ["hunter2"]',
    'token_fil = "hunter2"',
    'token_file = ["hunter2"]',
  ]) {
    const mistakes = mistakesOf(directory, `name = "kitchen"\n[water]\n${text}\n`);
    assert.equal(mistakes.length, 1, text);
    assert.ok(!mistakes.join().includes('hunter2'), text);
  }
});

test('any set of misspelled keys is reported in full, each at its line, with the key that was meant', (t) => {
  const directory = temporaryDirectory(t);
  const keys = ['alpha_size', 'bravo_count', 'charlie', 'delta_interval', 'echo_level', 'foxtrot'];
  const flags = z.strictObject(
    Object.fromEntries(keys.map((key) => [key, z.boolean().default(false).meta({ description: key })])),
  );
  const generated = defineConfig({
    title: 'Generated',
    defaultPath: '/etc/generated.toml',
    olderKeys: [],
    schema: () => z.strictObject({ first: flags, second: flags, row: z.array(flags) }),
  });
  const key = fc.record({
    name: fc.constantFrom(...keys),
    slip: fc.constantFrom('none', 'dropped', 'doubled', 'dashed', 'upper'),
    blankLines: fc.nat({ max: 2 }),
  });
  const table = fc.uniqueArray(key, { selector: ({ name }) => name });
  fc.assert(
    fc.property(table, table, fc.array(table, { minLength: 1, maxLength: 3 }), (first, second, rows) => {
      const lines: string[] = [];
      const expected: { line: number; key: string; meant: string }[] = [];
      const headers = ['[first]', '[second]', ...rows.map(() => '[[row]]')];
      for (const [index, entries] of [first, second, ...rows].entries()) {
        const header = headers[index] ?? '';
        lines.push(header);
        for (const { name, slip, blankLines } of entries) {
          lines.push(...Array.from({ length: blankLines }, () => ''));
          const spelled = misspell(name, slip);
          lines.push(`${spelled} = true`);
          if (spelled !== name) expected.push({ line: lines.length, key: `${header} ${spelled}`, meant: name });
        }
      }
      const path = writeConfig(directory, lines.join('\n'));
      let mistakes: readonly { line: number; key: string; message: string }[] = [];
      try {
        loadConfig(generated, path);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        mistakes = error.mistakes;
      }
      assert.deepEqual(
        mistakes.map(({ line, key, message }) => ({ line, key, meant: /did you mean (\w+)\?/.exec(message)?.[1] })),
        expected,
      );
    }),
  );
});

function misspell(name: string, slip: string): string {
  if (slip === 'dropped') return name.slice(0, -1);
  if (slip === 'doubled') return `${name.charAt(0)}${name}`;
  if (slip === 'dashed') return name.replaceAll('_', '-');
  return slip === 'upper' ? name.toUpperCase() : name;
}
