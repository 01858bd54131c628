// What the completions of all shells ask of the tree of commands.

import type { DescribedArgument, DescribedCommand } from '../describe-commands.ts';

/** It, and all below it. */
export function everyCommand(command: DescribedCommand): DescribedCommand[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Those in the place of the first argument; `help` takes the program's own. */
export function namesAfter(command: DescribedCommand, program: DescribedCommand): DescribedCommand[] {
  return command.arguments.some(({ kind }) => kind === 'command') ? program.commands : command.commands;
}

/** By what may be given: words to choose from, files, directories; undefined where nothing is known of it. */
export function offeredFor({ choices, kind }: Pick<DescribedArgument, 'choices' | 'kind'>): Offered | undefined {
  if (choices.length > 0) return { words: choices };
  return kind === 'file' || kind === 'directory' ? kind : undefined;
}

type Offered = { words: readonly string[] } | 'file' | 'directory';
