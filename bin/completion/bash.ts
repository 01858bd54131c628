// Completion for bash, as one function that stands by itself: bash-completion need not be installed.

import type { DescribedCommand, DescribedOption } from '../describe-commands.ts';
import { everyCommand, namesAfter, offeredFor } from './every-command.ts';

export function completeInBash(program: DescribedCommand): string {
  const all = everyCommand(program);
  const options = all.flatMap((command) => command.options.map((option) => ({ command, option })));
  const taking = options.filter(({ option }) => option.value !== undefined);
  const known = all.filter(({ path }) => path !== program.path).map(({ path }) => path);
  return `# Completion of ${program.name} for bash, made by: ${program.name} completion bash
_${program.name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path='${program.name}' taking='' word offer=''
  local -i place=0 i
  COMPREPLY=()
  # bash takes --option=value apart.
  [[ $cur == '=' ]] && cur=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $taking ]]; then
      [[ $word == '=' ]] || taking=''
      continue
    fi
    case "$path $word" in
      ${patterns(known)}) path+=" $word" ;;
      ${patterns(taking.flatMap(({ command, option }) => option.names.map((name) => `${command.path} ${name}`)))}) taking=$word ;;
      "$path -"*) ;;
      *) place+=1 ;;
    esac
  done
  if [[ $taking ]]; then
    case "$path $taking" in
${taking.map(({ command, option }) => valueCase(command, option)).join('')}    esac
  elif [[ $cur == -* ]]; then
    case $path in
${all.map(({ path, options: own }) => `      '${path}') offer='${own.flatMap(({ names }) => names).join(' ')}' ;;\n`).join('')}    esac
  else
    case "$path:$place" in
${all.map((command) => placeCases(command, program)).join('')}    esac
  fi
  case $offer in
    '') ;;
    @*)
      type compopt &>/dev/null && compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -A "\${offer#@}" -- "$cur")
      ;;
    *) while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$offer" -- "$cur") ;;
  esac
}
complete -F _${program.name} ${program.name}
`;
}

function valueCase({ path }: DescribedCommand, { names, value }: DescribedOption): string {
  const offer = value && offerOf(value);
  return offer ? `      ${patterns(names.map((name) => `${path} ${name}`))}) offer='${offer}' ;;\n` : '';
}

function placeCases(command: DescribedCommand, program: DescribedCommand): string {
  const names = namesAfter(command, program).map(({ name }) => name);
  if (names.length > 0) return `      '${command.path}:0') offer='${names.join(' ')}' ;;\n`;
  return command.arguments
    .map((argument, place) => {
      const offer = offerOf(argument);
      if (!offer) return '';
      return `      ${argument.isVariadic ? `'${command.path}:'*` : `'${command.path}:${place}'`}) offer='${offer}' ;;\n`;
    })
    .join('');
}

/** Words, or `@` and what compgen calls it. */
function offerOf(value: Parameters<typeof offeredFor>[0]): string | undefined {
  const offered = offeredFor(value);
  return typeof offered === 'object' ? offered.words.join(' ') : offered && `@${offered}`;
}

function patterns(texts: string[]): string {
  return texts.map((text) => `'${text}'`).join(' | ');
}
