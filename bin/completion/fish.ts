// Completion for fish: one line for each thing that may be written, on the condition of the command that it belongs to.

import type { DescribedCommand, DescribedOption, DescribedValue } from '../describe-commands.ts';
import { everyCommand, namesAfter, offeredFor } from './every-command.ts';

export function completeInFish(program: DescribedCommand): string {
  const all = everyCommand(program);
  const paths = all.filter(({ path }) => path !== program.path).map(({ path }) => path);
  const taking = all.flatMap(({ path, options }) =>
    options.filter(({ value }) => value).flatMap(({ names }) => names.map((name) => `${path} ${name}`)),
  );
  return `# Completion of ${program.name} for fish, made by: ${program.name} completion fish
function __${program.name}_is_at
    set -l commands ${paths.map(quoted).join(' ')}
    set -l taking ${taking.map(quoted).join(' ')}
    set -l path ${program.name}
    set -l is_taken 0
    for word in (commandline -opc)[2..-1]
        if test $is_taken = 1
            set is_taken 0
        else if contains -- "$path $word" $commands
            set path "$path $word"
        else if contains -- "$path $word" $taking
            set is_taken 1
        end
    end
    test "$path" = "$argv[1]"
end

complete -c ${program.name} -f
${all.flatMap((command) => linesFor(command, program)).join('\n')}
`;
}

function linesFor(command: DescribedCommand, program: DescribedCommand): string[] {
  const start = `complete -c ${program.name} -n ${quoted(`__${program.name}_is_at "${command.path}"`)}`;
  const names = namesAfter(command, program);
  return [
    ...names.map(({ name, summary }) => `${start} -a ${name} -d ${quoted(summary)}`),
    ...command.options.map((option) => `${start} ${optionLine(option)}`),
    ...command.arguments.flatMap((argument) => {
      const offer = offerOf(argument);
      return offer ? [`${start} ${offer}`] : [];
    }),
  ];
}

function optionLine({ names, value, description }: DescribedOption): string {
  const written = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const taken = value === undefined ? [] : ['-r', offerOf(value) ?? '-f'];
  return [...written, ...taken, `-d ${quoted(description)}`].join(' ');
}

function offerOf(value: DescribedValue): string | undefined {
  const offered = offeredFor(value);
  if (typeof offered === 'object') return `-f -a ${quoted(offered.words.join(' '))}`;
  if (offered === 'file') return '-F';
  return offered === 'directory' ? `-f -a '(__fish_complete_directories)'` : undefined;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
