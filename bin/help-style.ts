// The look of all help: one sentence, what is the command's own before what all of them have, and colours where they are seen.

import { type Command, Help } from 'commander';
import { hasColours, type Paint, painter } from '../src/lib/terminal-styles.ts';

/** Options that most commands have stand last. */
export const RECEIVER_GROUP = 'Which receiver, and as whom:';
export const COMMON_GROUP = 'Common options:';

// Longer lines are hard to read.
const WIDEST = 100;
const USUAL_WIDTH = 80;

// Help is always painted: where nobody would see the colours, commander takes them out again.
const paint: Paint = painter(true);

/** Before any command is registered: each takes over what its parent has by then. */
export function styleHelp(program: Command): void {
  const standard = Help.prototype;
  program
    .configureOutput({
      getOutHasColors: () => hasColours(process.stdout, process.env),
      getErrHasColors: () => hasColours(process.stderr, process.env),
      getOutHelpWidth: () => helpWidth(process.stdout),
      getErrHelpWidth: () => helpWidth(process.stderr),
    })
    .configureHelp({
      commandDescription: (command) => asSentence(command.description()),
      // Whatever has subcommands knows `help` too: that needs no line in each list.
      visibleCommands: (command) => command.commands.slice(),
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(placeholder)].join(' '),
      groupItems: (items, visible, groupOf) => {
        const groups = standard.groupItems(items, visible, groupOf);
        for (const heading of [RECEIVER_GROUP, COMMON_GROUP]) moveLast(groups, heading);
        return groups;
      },
      styleTitle: styleHeading,
      styleCommandText: (text) => paint('bold', text),
      styleSubcommandText: (text) => paint('command', text),
      styleOptionText: (text) => paint('command', text),
      styleArgumentText: (text) => paint('value', text),
    });
}

export function styleHeading(text: string): string {
  return paint('bold', text);
}

/** `help` is for a terminal: what stands below the options is broken like the rest of it. */
export function wrapHelp(text: string, indent: number): string {
  const wrapped = new Help().boxWrap(text, helpWidth(process.stdout) - indent);
  return wrapped.replaceAll('\n', `\n${' '.repeat(indent)}`);
}

/** A terminal of which the size is not known says 0; a pipe says nothing. */
function helpWidth({ columns }: { columns?: number }): number {
  return Math.min(columns || USUAL_WIDTH, WIDEST);
}

function asSentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function placeholder(argument: Command['registeredArguments'][number]): string {
  const text = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${text}>` : `[${text}]`;
}

function moveLast<Item>(groups: Map<string, Item[]>, heading: string): void {
  const items = groups.get(heading);
  if (!items) return;
  groups.delete(heading);
  groups.set(heading, items);
}
