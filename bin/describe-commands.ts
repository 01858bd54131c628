// The tree of commands as plain data, for what is made from it: completion and the reference. All of it is commander's own definitions.

import type { Argument, Command, Option } from 'commander';
import { pathOf } from './usage-errors.ts';

/** What stands in the place of a value: told by its placeholder, which is how the help names it. */
type ValueKind = 'file' | 'directory' | 'command' | 'text';

export interface DescribedValue {
  placeholder: string;
  kind: ValueKind;
  /** Empty where any is taken. */
  choices: readonly string[];
  isVariadic: boolean;
  isRequired: boolean;
}

export interface DescribedOption {
  /** `-h, --help`, `--role <role>` */
  flags: string;
  /** `--help`, `-h` */
  names: string[];
  description: string;
  /** Undefined for an option that is there or not. */
  value: DescribedValue | undefined;
  isMandatory: boolean;
  /** Of its part of the help; empty for the command's own. */
  group: string;
}

export interface DescribedArgument extends DescribedValue {
  description: string;
}

export interface DescribedCommand {
  name: string;
  /** `cis490 alerts ack`. */
  path: string;
  usage: string;
  summary: string;
  /** One sentence. */
  description: string;
  /** Of the overview; empty for the program itself and below the first level. */
  group: string;
  arguments: DescribedArgument[];
  /** In the order of the help, with `--help`. */
  options: DescribedOption[];
  examples: string[];
  /** What else the help says below the options, without colours. */
  notes: string;
  commands: DescribedCommand[];
}

const KIND_OF_PLACEHOLDER: Record<string, ValueKind> = {
  file: 'file',
  path: 'file',
  tarball: 'file',
  dir: 'directory',
  directory: 'directory',
  command: 'command',
};

export function describeCommands(command: Command): DescribedCommand {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const groups = help.groupItems([...command.options], options, (option) => option.helpGroupHeading ?? '');
  return {
    name: command.name(),
    path: pathOf(command),
    usage: help.commandUsage(command),
    summary: help.subcommandDescription(command),
    description: help.commandDescription(command),
    group: command.helpGroup(),
    arguments: help.visibleArguments(command).map(describeArgument),
    options: [...groups].flatMap(([group, some]) => some.map((option) => describeOption(option, group, help))),
    ...belowTheOptions(command),
    commands: help.visibleCommands(command).map(describeCommands),
  };
}

function describeArgument(argument: Argument): DescribedArgument {
  const { description, argChoices: choices = [], variadic, required } = argument;
  return { description, ...describeValue(argument.name(), choices, variadic, required) };
}

function describeOption(option: Option, group: string, help: ReturnType<Command['createHelp']>): DescribedOption {
  const { flags, long, short, argChoices = [], variadic, required, optional, mandatory } = option;
  const [, placeholder = ''] = /[<[]([\w-]+)/.exec(flags) ?? [];
  return {
    flags,
    names: [long, short].filter((name) => name !== undefined),
    description: help.optionDescription(option),
    value: required || optional ? describeValue(placeholder, argChoices, variadic, required) : undefined,
    isMandatory: mandatory,
    group,
  };
}

function describeValue(placeholder: string, choices: readonly string[], isVariadic: boolean, isRequired: boolean) {
  return { placeholder, kind: KIND_OF_PLACEHOLDER[placeholder] ?? 'text', choices, isVariadic, isRequired };
}

/** Commander keeps what is appended to the help as text alone: so it is read from there. */
function belowTheOptions(command: Command): { examples: string[]; notes: string } {
  const written: string[] = [];
  const { writeOut, getOutHasColors } = command.configureOutput();
  command.configureOutput({ writeOut: (text) => written.push(text), getOutHasColors: () => false });
  try {
    command.outputHelp();
    const [first = '', ...rest] = written.join('').slice(command.helpInformation().length).trim().split('\n\n');
    if (!first.startsWith('Examples:\n')) return { examples: [], notes: [first, ...rest].join('\n\n') };
    const lines = first.split('\n').slice(1);
    return { examples: lines.map((line) => line.trim()), notes: rest.join('\n\n') };
  } finally {
    command.configureOutput({ ...(writeOut && { writeOut }), ...(getOutHasColors && { getOutHasColors }) });
  }
}
