#!/bin/sh
# Takes CIS490 from this machine: units, programs, links. What was recorded and stored, the configuration and the user stay, unless
# --purge is given. May be run again; after a kill at any line a second run ends it.
set -eu

usage='usage: uninstall.sh [--root DIR] [--purge]
  --purge     remove configuration, identity and DATA, too: every episode on this machine
  --root DIR  of a directory: an image that is being made'

control() { systemctl ${root:+--root="$root"} --quiet "$@"; }
is_booted() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# In one piece: the shell has read all of it before the file is gone.
main() {
  root='' purges=''
  while [ $# -gt 0 ]; do
    case $1 in
      --root) root=${2:?$usage}; shift ;;
      --root=*) root=${1#--root=} ;;
      --purge) purges=yes ;;
      --help | -h) echo "$usage"; exit 0 ;;
      *) printf '%s: unknown argument %s\n%s\n' "${0##*/}" "$1" "$usage" >&2; exit 2 ;;
    esac
    shift
  done
  [ -z "$root" ] || root=$(CDPATH='' cd -- "$root" && pwd -P)
  [ "$root" != / ] || root=
  [ "$(id -u)" = 0 ] || { echo "${0##*/}: only root can uninstall; run: sudo $0" >&2; exit 1; }
  if [ -n "$purges" ] && [ -t 0 ]; then
    printf 'This deletes every episode in %s, and the configuration. Type yes to go on: ' "$root/var/lib/cis490"
    read -r answer
    [ "$answer" = yes ] || { echo 'nothing was changed'; exit 1; }
  fi
  cd /
  remove_units
  remove_program
  if [ -n "$purges" ]; then purge; else
    echo "uninstalled. Data and configuration stay: $root/var/lib/cis490 and $root/etc/cis490; to remove them: uninstall.sh --purge"
  fi
}

remove_units() {
  to=$root/etc/systemd/system
  # What starts others goes first: a timer, the guard.
  for path in "$to"/cis490-*.timer "$to"/cis490-*.service; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    unit=${path##*/}
    if is_booted; then control stop "$unit" || true; fi
    control disable "$unit" 2>/dev/null || true
    rm -f "$path"
  done
  rm -f "$to"/.cis490-*.new "$to"/*.wants/cis490-*.service "$to"/*.wants/cis490-*.timer
  if is_booted; then
    control daemon-reload
    control reset-failed 'cis490-*' 2>/dev/null || true
  fi
}

remove_program() {
  opt=$root/opt/cis490
  rm -rf "$root/var/cache/cis490" "$root/etc/tmpfiles.d/cis490.conf" "$root/var/lib/cis490/update-state.json"
  for link in "$root/usr/local/bin/cis490" "$root/usr/local/share/bash-completion/completions/cis490"; do
    case $(readlink "$link" || true) in /opt/cis490/*) rm -f "$link" ;; esac
  done
  if [ -e "$opt/.git" ]; then
    rm -rf "$opt/releases" "$opt/current" "$opt"/current.* "$opt/guard"
    echo "the git checkout in $opt stays: it is yours"
    return 0
  fi
  rm -rf "$opt"
}

purge() {
  rm -rf "$root/etc/cis490" "$root/var/lib/cis490" "$root"/etc/systemd/system/cis490-*.d
  if ! grep -q '^cis490:' "$root/etc/passwd" 2>/dev/null; then
    :
  elif [ -n "$root" ]; then userdel --prefix "$root" cis490 >/dev/null
  else userdel cis490 >/dev/null; fi
  echo 'uninstalled, with all data and configuration. A store or data_dir elsewhere stays where it is.'
}

main "$@"
exit
