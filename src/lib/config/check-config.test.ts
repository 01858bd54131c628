import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { checkConfig } from './check-config.ts';
import { defineConfig } from './define-config.ts';

const definition = defineConfig({
  title: 'Kettle',
  defaultPath: '/etc/kettle.toml',
  olderKeys: [{ path: ['label'], instead: 'name' }],
  schema: () =>
    z.strictObject({
      name: z.string().meta({ description: 'Its name.', example: 'kitchen' }),
      level: z.int().default(1).meta({ description: 'Its level.' }),
    }),
});

test('the verdict and its exit code', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'check-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'kettle.toml');
  const cases: [text: string, exitCode: number, output: string][] = [
    ['name = "a"\nlevel = 2\n', 0, `${path}: ok (2 keys set, 0 deprecated)\n`],
    ['label = "a"\n', 0, `${path}:1: label is deprecated; use name\n${path}: ok (1 key set, 1 deprecated)\n`],
    [
      'name = "a"\nlevel = true\n',
      2,
      `${path}:2: level: found true (a boolean); allowed: a whole number\n${path}: 1 mistake\n`,
    ],
    [
      'nam = "a"\n',
      2,
      `${path}:1: nam: found an unknown key; allowed: name, level (did you mean name?)\n${path}:1: name: found nothing; allowed: text in quotes, for example "kitchen"\n${path}: 2 mistakes\n`,
    ],
  ];
  for (const [text, exitCode, output] of cases) {
    writeFileSync(path, text);
    let written = '';
    const code = checkConfig({ definition, path, write: (part) => (written += part) });
    assert.deepEqual([code, sortedLines(written)], [exitCode, sortedLines(output)]);
    assert.equal(written.split('\n').at(-2), output.split('\n').at(-2), 'the verdict comes last');
  }
});

test('a missing file is a mistake', () => {
  let written = '';
  assert.equal(checkConfig({ definition, path: '/nonexistent/kettle.toml', write: (part) => (written += part) }), 2);
  assert.equal(written, '/nonexistent/kettle.toml: there is no such file\n/nonexistent/kettle.toml: 1 mistake\n');
});

/** Two mistakes on one line have no order of their own. */
function sortedLines(text: string): string[] {
  return text.split('\n').sort();
}
