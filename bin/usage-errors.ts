// Every error of the command line in one form: what is wrong and where, then the next command, each behind the program's name.

import type { Command } from 'commander';
import { distance } from 'fastest-levenshtein';
import { hasColours, painter } from '../src/lib/terminal-styles.ts';

export const WORK_FAILED = 1;
export const BAD_USAGE = 2;

// Of the longer of two words, how much of it may be another for one to be meant by the other.
const MISTYPED = 0.6;

export function formatError(message: string, hint?: string): string {
  const paint = painter(hasColours(process.stderr, process.env));
  const next = hint ? `${paint('dim', 'cis490:')} ${hint}\n` : '';
  return `${paint('bad', 'cis490:')} ${message}\n${next}`;
}

/** After all commands are registered: what is mistyped is told in the same form, with the help of the command that was meant. */
export function explainMistakes(program: Command): void {
  // Asking for the help of a command that is not there would give that of the command above, as if there were nothing wrong.
  program.addHelpText('beforeAll', ({ command }) => {
    const [name] = command.args;
    if (takesSubcommands(command) && name !== undefined && !name.startsWith('-')) findSubcommand(command, name);
    return '';
  });
  explain(program);
}

function explain(command: Command): void {
  command
    .configureOutput({ outputError: (text, write) => write(describeMistake(command, text)) })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : BAD_USAGE));
  for (const subcommand of command.commands) explain(subcommand);
}

/** Ends the process when there is none of this name. */
export function findSubcommand(command: Command, name: string): Command {
  const found = command.commands.find((one) => one.name() === name);
  return found ?? command.error(`error: unknown command '${name}'${nearestTo(name, command)}`);
}

export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** `text` is commander's: a line with the mistake, and one with what may have been meant. */
function describeMistake(command: Command, text: string): string {
  const [first = '', second = ''] = text.trimEnd().split('\n');
  const name = command.args[0] ?? '';
  // To a command that does something by itself, the mistyped name of a subcommand is an argument too many.
  const isName = first.startsWith('error: too many arguments') && takesSubcommands(command);
  const message = isName ? `unknown command '${name}'` : first.replace(/^error: /, '');
  const [, meant] = /\(Did you mean (.+)\?\)/.exec(isName ? nearestTo(name, command) : second) ?? [];
  const help = `${pathOf(command)} --help`;
  return formatError(message, meant === undefined ? `see: ${help}` : `did you mean ${meant}? See: ${help}`);
}

function nearestTo(name: string, command: Command): string {
  const near = command.commands
    .map((one) => ({ name: one.name(), edits: distance(name, one.name()) }))
    .filter((one) => one.edits < MISTYPED * Math.max(name.length, one.name.length))
    .sort((a, b) => a.edits - b.edits);
  const names = near.filter(({ edits }) => edits === near[0]?.edits).map((one) => one.name);
  return names.length === 0 ? '' : `\n(Did you mean ${names.length > 1 ? 'one of ' : ''}${names.join(', ')}?)`;
}

function takesSubcommands(command: Command): boolean {
  return command.commands.length > 0 && command.registeredArguments.length === 0;
}
