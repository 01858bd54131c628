import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { configPath } from './config-path.ts';
import { defineConfig } from './define-config.ts';
import { describeAsExample, describeAsMarkdown } from './describe-config.ts';
import { loadConfig } from './load-config.ts';
import { secretFile } from './secret-file.ts';
import { size } from './size.ts';

const definition = defineConfig({
  title: 'Kettle',
  defaultPath: '/etc/kettle.toml',
  olderKeys: [{ path: ['water', 'tap'], instead: 'source' }],
  schema: (context) =>
    z.strictObject({
      // Comes after the top-level keys, although it is defined before: TOML has no way back to the top.
      water: z
        .strictObject({
          spout: z
            .strictObject({ width: z.int().min(1).default(3).meta({ description: 'In mm.' }) })
            .meta({ description: 'Spout.' }),
          source: configPath(context).meta({ description: 'From where.', example: 'tap' }),
          token_file: secretFile(context).optional().meta({ description: 'The key to it.', example: 'token' }),
          amount: size().prefault('1 MB').meta({ description: 'How much | at most.' }),
        })
        .meta({ description: 'Water.' }),
      name: z.string().meta({ description: 'Its name.', example: 'the "big" one' }),
      cup: z
        .array(
          z.strictObject({ command: z.array(z.string()).meta({ description: 'Its words.', example: ['a', 'b'] }) }),
        )
        .default([])
        .meta({ description: 'A cup.' }),
      lid: z
        .strictObject({ color: z.string().meta({ description: 'Its colour.', example: 'red' }) })
        .optional()
        .meta({ description: 'A lid.' }),
    }),
});

const EXAMPLE = `# Kettle: /etc/kettle.toml
# A key in a comment is optional and shows its default, or an example where there is none.

# Its name.
# Allowed: text in quotes.
name = "the \\"big\\" one"

# Water.
[water]

# From where.
# Allowed: a path; a relative one starts at the directory of this file.
source = "tap"

# The key to it.
# Allowed: the path of a file that holds the secret and that others cannot read (mode 0600). No
# default; this is an example:
# token_file = "token"

# How much | at most.
# Allowed: text such as "4 GiB" or "500 MB" (B, KB, MB, GB, TB, KiB, MiB, GiB, TiB).
# amount = "1 MB"

# Spout.
[water.spout]

# In mm.
# Allowed: a whole number, 1 or more.
# width = 3

# A cup.
# [[cup]]

# Its words.
# Allowed: a list, each: text in quotes.
# command = ["a", "b"]

# A lid.
# [lid]

# Its colour.
# Allowed: text in quotes.
# color = "red"
`;

function load(text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'describe-config-'));
  try {
    writeFileSync(join(directory, 'kettle.toml'), text);
    writeFileSync(join(directory, 'token'), 'hunter2', { mode: 0o600 });
    const { config } = loadConfig(definition, join(directory, 'kettle.toml'));
    return { ...config, water: { ...config.water, source: config.water.source.replace(directory, '') } };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('the example has every key in the order of TOML', () => {
  assert.equal(describeAsExample(definition), EXAMPLE);
});

test('the example loads as it stands', () => {
  assert.deepEqual(load(describeAsExample(definition)), {
    name: 'the "big" one',
    water: { source: '/tap', amount: 1_000_000, spout: { width: 3 } },
    cup: [],
  });
});

test('the example loads with every key taken out of its comment', () => {
  const text = describeAsExample(definition).replaceAll(/^# (?=\[|[a-z_]+ = )/gm, '');
  const { water, ...others } = load(text);
  assert.equal(water.token_file?.reveal(), 'hunter2');
  assert.deepEqual(others, { name: 'the "big" one', cup: [{ command: ['a', 'b'] }], lid: { color: 'red' } });
});

test('the reference has a table for each section, and the older keys', () => {
  const reference = describeAsMarkdown(definition);
  const lines = reference.split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('#')),
    [
      '## Kettle',
      '### Before the first section',
      '### `[water]`',
      '### `[water.spout]`',
      '### `[[cup]]`',
      '### `[lid]`',
      '### Older keys',
    ],
  );
  for (const row of [
    '| `name` | text in quotes | **required** | Its name. |',
    '| `amount` | text such as "4 GiB" or "500 MB" (B, KB, MB, GB, TB, KiB, MiB, GiB, TiB) | `"1 MB"` | How much \\| at most. |',
    '| `width` | a whole number, 1 or more | `3` | In mm. |',
    '| `command` | a list, each: text in quotes | **required** | Its words. |',
    '| `water.tap` | `source` |',
  ]) {
    assert.ok(lines.includes(row), `${row} is missing from\n${reference}`);
  }
});
