#!/bin/sh
# Puts the units of the release that this file lies in where systemd finds them, each by one rename, takes away those of ours that this
# release no longer has, and reloads systemd. Enables and starts nothing. A shell is enough, so that the update guard can call it.
set -eu

usage='usage: install-units.sh lab-host|receiver [--root DIR]'
lab_host='cis490-shipper.service cis490-orchestrator.service cis490-bootstrap.service
  cis490-doctor-check.service cis490-doctor-check.timer cis490-autoupdate.service cis490-autoupdate.timer
  cis490-cert-fetch.service cis490-cert-fetch.timer cis490-update-guard.service cis490-update-guard.timer'
receiver='cis490-receiver.service cis490-fleet-health.service cis490-fleet-health.timer
  cis490-doctor-check.service cis490-doctor-check.timer'
# The first words of each of our units: by them ours are told from other people's.
mark='# Part of CIS490:'

role=${1:-}
root=
case ${2:-} in
  '') ;;
  --root) root=$(CDPATH='' cd -- "${3:?$usage}" && pwd -P) ;;
  --root=*) root=$(CDPATH='' cd -- "${2#--root=}" && pwd -P) ;;
  *) echo "$usage" >&2; exit 2 ;;
esac
[ "$root" != / ] || root=
from=$(CDPATH='' cd -- "$(dirname -- "$0")/../etc/systemd" && pwd -P)
to=$root/etc/systemd/system

# A machine may be both: the other role's units stay, and come from this release too.
case $role in
  lab-host) wanted=$lab_host; [ ! -e "$to/cis490-receiver.service" ] || wanted="$wanted $receiver" ;;
  receiver) wanted=$receiver; [ ! -e "$to/cis490-shipper.service" ] || wanted="$wanted $lab_host" ;;
  *) echo "$usage" >&2; exit 2 ;;
esac

control() { systemctl ${root:+--root="$root"} --quiet "$@"; }
is_booted() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

mkdir -p "$to"
changed=
for unit in $wanted; do
  cmp -s "$from/$unit" "$to/$unit" && continue
  # Not under a name that systemd would read.
  cp "$from/$unit" "$to/.$unit.new"
  chmod 644 "$to/.$unit.new"
  changed="$changed $unit"
done
# All are on the disk before the first of them is in force.
[ -z "$changed" ] || sync -f "$to"
for unit in $changed; do
  mv -f "$to/.$unit.new" "$to/$unit"
  echo "unit $unit"
done

# shellcheck disable=SC2086  # Words, to be told apart by one space each.
listed=" $(printf '%s ' $wanted)"
for path in "$to"/cis490-*.service "$to"/cis490-*.timer; do
  unit=${path##*/}
  case $listed in *" $unit "*) continue ;; esac
  if [ -f "$path" ] && [ ! -L "$path" ] && read -r first <"$path" && [ "${first#"$mark"}" != "$first" ]; then
    if is_booted; then control stop "$unit" || true; fi
    control disable "$unit" || true
    rm -f "$path"
    echo "unit $unit is gone"
  fi
done

sync "$to"
if is_booted; then control daemon-reload; fi
