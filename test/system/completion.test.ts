// The tab key in real shells: what bash, zsh and fish offer behind the beginning of a command.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

const directory = makeDirectory();

/** Before the cursor, and what is offered there; a regular expression where files may be named otherwise in each shell. */
const CASES: [line: string, offered: string[]][] = [
  ['cis490 al', ['alerts', 'all-in-one']],
  ['cis490 alerts a', ['ack']],
  ['cis490 alerts silence --sy', ['--symptom']],
  ['cis490 alerts --log-level debug sil', ['silence', 'silences']],
  ['cis490 alerts --state ', ['firing', 'resolved']],
  ['cis490 token create --role=', ['admin', 'fleet', 'host', 'reader']],
  ['cis490 token create --role r', ['reader']],
  ['cis490 completion ', ['bash', 'fish', 'zsh']],
  ['cis490 help gat', ['gate']],
  ['cis490 config check ', ['a file', 'directory/', 'other.toml']],
  ['cis490 config check o', ['other.toml']],
  ['cis490 alerts --token-file o', ['other.toml']],
  ['cis490 publish ', ['directory/']],
  ['cis490 release build --out d', ['directory/']],
  ['cis490 release sign --key k other.toml o', ['other.toml']],
  ['cis490 token revoke ', []],
];

before(() => {
  mkdirSync(join(directory, 'work/directory'), { recursive: true });
  for (const name of ['a file', 'other.toml']) writeFileSync(join(directory, 'work', name), '');
});

describe('bash', () => {
  for (const [line, offered] of CASES) {
    test(line, async () => {
      const script = await scriptFor('bash');
      // As readline cuts the line: `=` is a word of its own.
      const words = line.split(' ').flatMap((word) => word.split(/(?==)|(?<==)/));
      const driven = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cis490; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const said = runIn('bash', ['--norc', '-c', driven, 'bash', script, ...words]);
      // bash itself puts the slash behind a directory, told so by compopt.
      const found = said.split('\n').filter((name) => name !== '');
      assert.deepEqual(found.map((name) => (name === 'directory' ? 'directory/' : name)).sort(), offered);
    });
  }

  test('it is one function, and warns of nothing', async () => {
    assert.equal(runIn('bash', ['-n', await scriptFor('bash')]), '');
    assert.equal(
      runIn('bash', ['--norc', '-c', 'source "$1"; complete -p cis490', 'bash', await scriptFor('bash')]),
      'complete -F _cis490 cis490\n',
    );
  });
});

describe('fish', () => {
  for (const [line, offered] of CASES) {
    test(line, async (t) => {
      if (!hasSystemPart(t, ['fish', '--version'], 'fish')) return;
      const script = await scriptFor('fish');
      const said = runIn('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, line]);
      const found = said.split('\n').map((offer) => offer.split('\t')[0]?.replace(/^--\w+=/, '') ?? '');
      assert.deepEqual(found.filter((name) => name !== '').sort(), offered);
    });
  }
});

describe('zsh', () => {
  // It takes long to start: one of them for all lines.
  let offers: Promise<string[]> | undefined;

  for (const [index, [line, offered]] of CASES.entries()) {
    test(line, async (t) => {
      if (!hasSystemPart(t, ['zsh', '--version'], 'zsh')) return;
      offers ??= offersInZsh();
      const told = (await offers)[index] ?? '';
      const found = [...told.matchAll(/OFFER:(.*?):END\r?\n/g)].map(([, name = '']) => name.replaceAll('\\', ''));
      assert.deepEqual([...new Set(found)].map((name) => (name === 'directory' ? 'directory/' : name)).sort(), offered);
    });
  }
});

async function offersInZsh(): Promise<string[]> {
  const driver = join(import.meta.dirname, '../support/complete.zsh');
  const lines = CASES.map(([line]) => line);
  return runIn('zsh', ['-f', driver, await scriptFor('zsh'), ...lines]).split('END-OF-OFFERS');
}

const scripts = new Map<string, Promise<string>>();

/** The path of what `cis490 completion` prints; asked for once. */
function scriptFor(shell: string): Promise<string> {
  const made = scripts.get(shell) ?? makeScript(shell);
  scripts.set(shell, made);
  return made;
}

async function makeScript(shell: string): Promise<string> {
  const printed = Program.cis490(['completion', shell]);
  assert.deepEqual(await printed.ended, { code: 0, signal: null }, printed.stderr);
  const path = join(directory, `completion.${shell}`);
  writeFileSync(path, printed.stdout);
  return path;
}

function runIn(shell: string, args: string[]): string {
  const home = join(directory, 'home');
  mkdirSync(home, { recursive: true });
  const env = { PATH: process.env['PATH'], HOME: home, TERM: 'xterm', LC_ALL: 'C.UTF-8' };
  return execFileSync(shell, args, {
    encoding: 'utf8',
    cwd: join(directory, 'work'),
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
