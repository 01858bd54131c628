# What zsh offers behind command lines: complete.zsh COMPLETION_FILE LINE... A zsh on a terminal of its own has the tab key pressed behind each,
# and tells what compadd was given; END-OF-OFFERS stands behind what was told of a line.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT= ; autoload -Uz compinit && compinit -D -u; source ${(q)1}; zstyle ':completion:*' verbose no"
# Some calls only ask what would match.
zpty -w shell 'compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
  typeset -a __hits
  builtin compadd -O __hits "$@"
  [[ -n $__hits ]] && print -rl -- OFFER:${^__hits}:END
  builtin compadd "$@"
}'
zpty -w shell 'tell() { zle -I; print -r -- "END""-OF-OFFERS"; zle kill-whole-line; }; zle -N tell'
zpty -w shell 'bindkey "^I" complete-word; bindkey "^X" tell; print READY""-NOW'
zpty -r shell shown '*READY-NOW*'
for line in "${@[2,-1]}"; do
  zpty -w -n shell "$line"$'\t\030'
  zpty -r shell shown '*END-OF-OFFERS*'
  print -r -- "$shown"
done
zpty -d shell
