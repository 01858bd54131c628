// Completion for zsh: a function for each command, by _arguments, with what each option means.

import type { DescribedCommand, DescribedOption, DescribedValue } from '../describe-commands.ts';
import { everyCommand, namesAfter, offeredFor } from './every-command.ts';

export function completeInZsh(program: DescribedCommand): string {
  const functions = everyCommand(program).map((command) => functionFor(command, program));
  // In a directory of $fpath the file is the body of the function; sourced, it is not.
  return `#compdef ${program.name}
# Completion of ${program.name} for zsh, made by: ${program.name} completion zsh
${functions.join('\n')}
if [[ $funcstack[1] == _${program.name} ]]; then _${program.name} "$@"; else compdef _${program.name} ${program.name}; fi
`;
}

function functionFor(command: DescribedCommand, program: DescribedCommand): string {
  const names = namesAfter(command, program);
  const specs = command.options.map(optionSpec);
  const name = functionName(command);
  if (names.length === 0) return `${name}() {\n${calling('_arguments -S :', [...specs, ...placeSpecs(command)])}}\n`;
  const cases = command.commands.map((one) => `        ${one.name}) ${functionName(one)} ;;\n`);
  return `${name}() {
  local curcontext=$curcontext state line
  local -A opt_args
  local -a names=(
${names.map((one) => `    ${quoted(`${one.name}:${one.summary}`)}\n`).join('')}  )
${calling('_arguments -S -C :', [...specs, `'1: :->name'`, `'*:: :->rest'`])}  case $state in
    name) _describe -t commands command names ;;
    rest)
      case $line[1] in
${cases.join('')}      esac
      ;;
  esac
}
`;
}

function calling(command: string, specs: string[]): string {
  return `  ${[command, ...specs].join(' \\\n    ')}\n`;
}

/** `{-h,--help}'[what it means]'`; an option that takes a value takes it behind `=`, too. */
function optionSpec({ names, value, description }: DescribedOption): string {
  const meaning = quoted(`[${escaped(description)}]${value ? `:${value.placeholder}:${actionFor(value)}` : ''}`);
  const repeat = value?.isVariadic ? `'*'` : '';
  const written = names.map((name) => (value && name.startsWith('--') ? `${name}=` : name));
  return `${repeat}${written.length > 1 ? `{${written.join(',')}}` : written.join('')}${meaning}`;
}

function placeSpecs({ arguments: all }: DescribedCommand): string[] {
  return all.map((argument, index) => {
    const place = argument.isVariadic ? '*' : `${index + 1}${argument.isRequired ? '' : ':'}`;
    return quoted(`${place}:${argument.placeholder}:${actionFor(argument)}`);
  });
}

function actionFor(value: DescribedValue): string {
  const offered = offeredFor(value);
  if (typeof offered === 'object') return `(${offered.words.join(' ')})`;
  // A blank: only say what is to be written there.
  return { file: '_files', directory: '_files -/', none: ' ' }[offered ?? 'none'];
}

function functionName({ path }: DescribedCommand): string {
  return `_${path.replaceAll(' ', '_')}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
