// The command line as a whole: one look, one form of errors, colours only where they are seen.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { everyCommand } from '../../bin/completion/every-command.ts';
import { createProgram } from '../../bin/create-program.ts';
import { describeCommands } from '../../bin/describe-commands.ts';
import { mistakeIn, ownCommandLines } from '../support/command-lines.ts';
import { PROJECT_ROOT, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// About what fits beside the longest name on a terminal of 80 columns.
const LONGEST_SUMMARY = 60;
const COLOUR = '\x1b[';

const program = describeCommands(createProgram());

describe('every command', () => {
  for (const command of everyCommand(program)) {
    test(command.path, async () => {
      assert.ok(command.summary.length > 0, 'has a summary');
      if (command !== program) assert.ok(command.summary.length <= LONGEST_SUMMARY, `in one line: ${command.summary}`);
      assert.match(command.description, /^[A-Z].+[^.]\.$/, 'says in one sentence what it does');
      assert.equal(command.path === program.path || command.group !== '' || command.path.split(' ').length > 2, true);
      for (const { flags, description } of command.options) assert.ok(description.length > 0, flags);
      for (const { placeholder, description } of command.arguments) assert.ok(description.length > 0, placeholder);
      assert.ok(command.examples.length > 0, 'has an example');
      for (const example of command.examples) {
        const lines = ownCommandLines(example);
        assert.ok(lines.length > 0, `${example} calls it`);
        for (const args of lines) assert.equal(await mistakeIn(args), undefined, example);
      }
    });
  }
});

test('what is listed or reported is to be had as JSON', () => {
  const without = everyCommand(program)
    .filter(({ name }) => /^(list|show|status|check|verify|list-revoked|silences|fleet|alerts|doctor)$/.test(name))
    .filter(({ options }) => !options.some(({ names }) => names.includes('--json')))
    .map(({ path }) => path);
  assert.deepEqual(without, []);
});

test('alone it shows all commands, in groups; help, --help and the reference say the same', async () => {
  const alone = await run([]);
  assert.equal(alone.code, 0);
  const headings = alone.out.split('\n').filter((line) => /^\S.*:$/.test(line));
  assert.deepEqual(headings.slice(1), [...new Set(program.commands.map(({ group }) => group)), 'Examples:']);
  for (const { name, summary } of program.commands) {
    assert.ok(
      alone.out.replaceAll(/\s+/g, ' ').includes(`${name} `) && alone.out.replaceAll(/\s+/g, ' ').includes(summary),
    );
  }
  assert.equal((await run(['help'])).out, alone.out);
  assert.equal((await run(['--help'])).out, alone.out);
  assert.equal((await run(['help', 'alerts', 'silence'])).out, (await run(['alerts', 'silence', '--help'])).out);
});

test('a command shows its own options before those that all have', async () => {
  const { out } = await run(['fleet', '--help']);
  const headings = out.split('\n').filter((line) => /^\S.*:$/.test(line));
  assert.deepEqual(
    headings,
    ['Options:', 'Commands:', 'Which receiver, and as whom:', 'Common options:', 'Examples:'].sort(
      (a, b) => out.indexOf(`\n${a}`) - out.indexOf(`\n${b}`),
    ),
  );
  assert.ok(out.indexOf('--watch') < out.indexOf('--url') && out.indexOf('--url') < out.indexOf('--log-level'));
});

const mistakes: [args: string[], said: string][] = [
  [['alrts'], "unknown command 'alrts'\ncis490: did you mean alerts? See: cis490 --help"],
  [['help', 'alrts'], "unknown command 'alrts'\ncis490: did you mean alerts? See: cis490 --help"],
  [['alrts', '--help'], "unknown command 'alrts'\ncis490: did you mean alerts? See: cis490 --help"],
  [['xyzzy'], "unknown command 'xyzzy'\ncis490: see: cis490 --help"],
  [['token', 'lst'], "unknown command 'lst'\ncis490: did you mean list? See: cis490 token --help"],
  [['fleet', 'shw', 'lab-07'], "unknown command 'shw'\ncis490: did you mean show? See: cis490 fleet --help"],
  [['fleet', '--jsn'], "unknown option '--jsn'\ncis490: did you mean --json? See: cis490 fleet --help"],
  [['fleet', 'show'], "missing required argument 'host'\ncis490: see: cis490 fleet show --help"],
  [['token', 'create'], "required option '--role <role>' not specified\ncis490: see: cis490 token create --help"],
  [
    ['token', 'create', '--role', 'king'],
    "option '--role <role>' argument 'king' is invalid. Allowed choices are host, fleet, reader, admin.\ncis490: see: cis490 token create --help",
  ],
  [
    ['host', 'return', 'a', 'b'],
    "too many arguments for 'return'. Expected 1 argument but got 2.\ncis490: see: cis490 host return --help",
  ],
  [
    ['config', 'check', '/nowhere/lab-host.toml', '--role'],
    "option '--role <role>' argument missing\ncis490: see: cis490 config check --help",
  ],
];

describe('what is wrong, then the next command, on the standard error, with exit code 2', () => {
  for (const [args, said] of mistakes) {
    test(args.join(' '), async () => {
      assert.deepEqual(await run(args), { code: 2, out: '', err: `cis490: ${said}\n` });
    });
  }
});

test('failures have the same form', async () => {
  const { code, err } = await run(['fleet', '--config', '/nowhere/receiver.toml']);
  assert.equal(code, 2);
  assert.match(
    err,
    /^cis490: no receiver is named, and there is no \/nowhere\/receiver\.toml here\ncis490: name it: .*\n$/,
  );
});

describe('colours', () => {
  const seen: [name: string, environment: NodeJS.ProcessEnv, inColours: boolean][] = [
    ['a pipe', {}, false],
    ['a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, true],
    ['NO_COLOR against FORCE_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ];
  for (const [name, environment, inColours] of seen) {
    test(`${name}: ${inColours ? 'yes' : 'no'}`, async () => {
      const help = await run(['alerts', '--help'], environment);
      const mistake = await run(['alerts', '--nonsense'], environment);
      assert.deepEqual([help.out.includes(COLOUR), mistake.err.includes(COLOUR)], [inColours, inColours]);
      if (inColours) assert.ok(help.out.includes(`${COLOUR}1mExamples:${COLOUR}0m\n`), help.out);
    });
  }

  for (const [terminal, environment, inColours] of [
    ['a terminal', {}, true],
    ['a dumb terminal', { TERM: 'dumb' }, false],
    ['a terminal with NO_COLOR', { NO_COLOR: '1' }, false],
  ] as const) {
    test(`${terminal}: ${inColours ? 'yes' : 'no'}`, async (t) => {
      if (!hasSystemPart(t, ['script', '--version'], 'bsdutils')) return;
      const command = `stty cols 70 -onlcr; exec ${join(PROJECT_ROOT, 'bin/cis490')} fleet --help`;
      const shown = Program.command('script', ['-qec', command, '/dev/null'], {
        NO_COLOR: '',
        TERM: 'xterm',
        SHELL: '/bin/sh',
        ...environment,
      });
      assert.equal((await shown.ended).code, 0);
      assert.equal(shown.stdout.includes(COLOUR), inColours);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours.
      const lines = shown.stdout.replaceAll(/\x1b\[[\d;]*m/g, '').split('\n');
      const tooLong = lines.filter((line) => line.length > 70 && !line.startsWith('  cis490 '));
      assert.deepEqual(tooLong, []);
    });
  }
});

test('--version tells the commit and the Node that runs it', async () => {
  const { code, out } = await run(['--version']);
  assert.equal(code, 0);
  assert.match(out, /^cis490 \d+\.\d+\.\d+\ncommit (?:[0-9a-f]{40}(?: \(modified\))?|unknown)\nnode {3}v26\.\S+\n$/);
});

test('config check --json has the mistakes of each file with their lines', async (t) => {
  const path = join(temporaryDirectory(t), 'lab-host.toml');
  writeFileSync(path, 'host_id = "lab-07"\nnonsense = 1\n[receiver]\nurl = "http://127.0.0.1:1"\n');
  const bad = await run(['config', 'check', '--json', path]);
  const { files } = JSON.parse(bad.out);
  assert.deepEqual([bad.code, files[0].ok, files[0].path, files[0].mistakes[0].line], [2, false, path, 2]);
  writeFileSync(path, 'host_id = "lab-07"\n[receiver]\nurl = "http://127.0.0.1:1"\n');
  const good = await run(['config', 'check', '--json', path]);
  assert.deepEqual([good.code, JSON.parse(good.out)], [0, { files: [{ path, ok: true, mistakes: [], warnings: [] }] }]);
});

test('a reader that has seen enough is no failure; an output that a full disk cuts off is one', async () => {
  const cis490 = `${process.execPath} ${join(PROJECT_ROOT, 'bin/cis490.ts')}`;
  const left = Program.command('bash', ['-c', `set -o pipefail; ${cis490} completion bash | head -n 1`]);
  assert.deepEqual([(await left.ended).code, left.stderr], [0, ''], left.stdout);
  assert.equal(left.stdout.split('\n').length, 2);
  const cut = Program.command('sh', ['-c', `${cis490} completion bash > /dev/full`]);
  assert.equal((await cut.ended).code, 1);
  assert.match(cut.stderr, /^cis490: standard output cannot be written: ENOSPC: .*\ncis490: .*df -h\n$/);
});

async function run(args: string[], environment: NodeJS.ProcessEnv = {}) {
  const ran = Program.cis490(args, { NO_COLOR: '', ...environment });
  const { code } = await ran.ended;
  return { code, out: ran.stdout, err: ran.stderr };
}
