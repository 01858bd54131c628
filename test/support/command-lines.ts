// The commands in a page or a help text, and what commander says of each without running it.

import { CommanderError } from 'commander';
import { createProgram } from '../../bin/create-program.ts';

/** For what a page leaves to its reader, or asks git for. */
const A_COMMIT = 'a'.repeat(40);

/** The simple commands of a piece of shell, in words: enough of its grammar for what stands in a page. */
export function simpleCommands(shell: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  let at = 0;
  const endWord = () => {
    if (word !== undefined) commands.at(-1)?.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    commands.push([]);
  };
  while (at < shell.length) {
    const rest = shell.slice(at);
    const [taken = '', ...parts] =
      /^\\\n|^'([^']*)'|^"((?:[^"\\]|\\.)*)"|^\\(.)|^#[^\n]*|^(?:\d*[<>]+&?)\s*\S+|^\s|^[;&|()\n]|^[^\s;&|()'"\\<>]+|^./s.exec(
        rest,
      ) ?? [];
    at += taken.length;
    const [single, double, escaped] = parts;
    if (taken === '\\\n') endWord();
    else if (single !== undefined) word = (word ?? '') + single;
    else if (double !== undefined) {
      // What is substituted is a command of its own.
      for (const [, inner = ''] of double.matchAll(/\$\(([^)]*)\)/g)) commands.unshift(...simpleCommands(inner));
      word = (word ?? '') + double;
    } else if (escaped !== undefined) word = (word ?? '') + escaped;
    else if (taken.startsWith('#') && word === undefined) continue;
    else if (/^[;&|()\n]$/.test(taken)) endCommand();
    else if (/^\s$/.test(taken) || /^\d*[<>]/.test(taken)) endWord();
    else word = (word ?? '') + taken;
  }
  endCommand();
  return commands.filter((words) => words.length > 0);
}

/** The arguments of each call of this program. */
export function ownCommandLines(shell: string): string[][] {
  return simpleCommands(shell).flatMap((words) => {
    const start = words[0] === 'sudo' ? 1 : 0;
    if (!/^(?:ExecStart=)?(?:[^\s=]*\/)?cis490$/.test(words[start] ?? '')) return [];
    return [words.slice(start + 1).map((word) => (/^COMMIT$|^\$\(.* rev-parse /.test(word) ? A_COMMIT : word))];
  });
}

/** Undefined when the command is there and takes what it is given. */
export async function mistakeIn(args: string[]): Promise<string | undefined> {
  // It would end this process.
  if (args[0] === '--version') return undefined;
  const program = createProgram();
  const parsed = new Error('it would run');
  const said: string[] = [];
  (function prepare(command: typeof program) {
    command.exitOverride((error) => {
      throw error;
    });
    command.configureOutput({
      writeOut: () => undefined,
      writeErr: (text) => said.push(text),
      outputError: (text) => said.push(text),
    });
    for (const one of command.commands) prepare(one);
  })(program);
  program.hook('preAction', () => {
    throw parsed;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return `it does nothing: ${said.join('')}`;
  } catch (error) {
    if (error === parsed) return undefined;
    if (error instanceof CommanderError) return error.exitCode === 0 ? undefined : said.join('');
    throw error;
  }
}
