#!/bin/sh
# Takes back a release that was never confirmed, whatever state it is in: needs no Node and nothing of any release but the shell script
# that puts the old one's units in place. Lies in <base>/guard, outside of the releases.
#
#   update-guard.sh unit [NAME]   before each start of a unit: counts it. Never fails, so that it keeps no unit from starting.
#   update-guard.sh tick          from a timer, each minute: counts it.
#   update-guard.sh drop          the installer's: nothing is on trial any more. Fails when that could not be written.
#
# docs/adr/0010-releases-and-updates.md has what it reads and why. Killed at any point, the next run does the rest.
set -u
umask 022

max_boots=10
systemctl=${SYSTEMCTL:-systemctl}
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
guard=$(CDPATH='' cd -- "$here" && pwd -P) || exit 0
base=${guard%/*}
lock=$guard/update-state.lock

say() { printf 'cis490-update-guard: %s\n' "$*" >&2; }

# The one line that formatUpdateState() in src/protocol/update-state.ts writes: from to boots ticks max_ticks.
hex='\([0-9a-f]\{40,64\}\)'
count='\([0-9]\{1,6\}\)'
pending_line="^ *\"pending\": {\"from\":\"$hex\",\"to\":\"$hex\",\"boots\":$count,\"ticks\":$count,\"max_ticks\":$count}"

read_pending() {
  from='' to='' boots='' ticks='' max_ticks=''
  found=$(sed -n "s/$pending_line,\\{0,1\\}\$/\\1 \\2 \\3 \\4 \\5/p" "$state" 2>/dev/null) || return 1
  # Exactly one such line: anything else was not written by us.
  read -r from to boots ticks max_ticks rest <<END
$(printf '%s' "$found" | tr '\n' ' ')
END
  [ -n "$max_ticks" ] && [ -z "$rest" ]
}

# pid and start time: a pid alone may be somebody else's by now. The boot, because both may come again after a restart.
boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
started_at() { sed -n 's/^.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

is_held() {
  holder_pid=${1#*:} && holder_pid=${holder_pid%%:*}
  case $holder_pid in '' | *[!0-9]*) return 1 ;; esac
  [ "$1" = "$(boot_id):$holder_pid:$(started_at "$holder_pid")" ]
}

# The updater takes the same lock for its writes (src/lab-host/autoupdate/state-lock.ts). A symbolic link is made whole or not at all,
# and what it "leads to" is its holder.
take_lock() {
  me=$(boot_id):$$:$(started_at $$)
  tries=0
  until ln -s "$me" "$lock" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -gt 50 ] && return 1
    holder=$(readlink "$lock" 2>/dev/null)
    if [ -n "$holder" ] && ! is_held "$holder"; then break_lock "$holder"; else sleep 0.1; fi
  done
  trap drop_lock EXIT
  return 0
}

# Under a lock of its own: who is dead lets go of nothing, and nobody else takes it away, so that it is still the same when it is removed.
break_lock() {
  if ln -s "$me" "$lock.break" 2>/dev/null; then
    [ "$(readlink "$lock" 2>/dev/null)" != "$1" ] || rm -f -- "$lock"
    rm -f -- "$lock.break"
  else
    breaker=$(readlink "$lock.break" 2>/dev/null)
    [ -z "$breaker" ] || is_held "$breaker" || rm -f -- "$lock.break"
  fi
}

drop_lock() { [ "$(readlink "$lock" 2>/dev/null)" = "$me" ] && rm -f -- "$lock"; }

# `sed` over the state file, in place and durable. Its directory may be the service's, so nothing is written through a link that lies there.
rewrite() {
  rm -f -- "$state.guard"
  (set -C && sed "$@" "$state" >"$state.guard") && [ -s "$state.guard" ] && sync -- "$state.guard" &&
    mv -fT -- "$state.guard" "$state" && sync -- "${state%/*}" && return 0
  rm -f -- "$state.guard"
  return 1
}

write_counts() {
  rewrite "s/^\\( *\"pending\": {.*\\)\"boots\":[0-9]*,\"ticks\":[0-9]*,/\\1\"boots\":$boots,\"ticks\":$ticks,/"
}

write_flipped() {
  flipped="\"flipped\": {\"from\":\"$from\",\"to\":\"$to\",\"why\":\"$why\"}"
  if [ -n "$(sed -n '/^ *"flipped":/p' "$state")" ]; then
    rewrite -e "s/$pending_line/  \"pending\": null/" -e "s/^ *\"flipped\": .*[^,]\\(,\\{0,1\\}\\)\$/  $flipped\\1/"
  else
    # The new line is in the pattern space, so that the whole of it is one write.
    rewrite "s/$pending_line\\(,\\{0,1\\}\\)\$/  \"pending\": null,\\
  $flipped\\6/"
  fi
}

write_dropped() { rewrite "s/$pending_line\\(,\\{0,1\\}\\)\$/  \"pending\": null\\6/"; }

is_enabled() { "$systemctl" is-enabled --quiet "$1" >/dev/null 2>&1; }

link_back() {
  ln -sfn -- "releases/$from" "$base/current.guard" && mv -fT -- "$base/current.guard" "$base/current" && sync -- "$base"
}

flip() {
  say "$why: back to $from"
  if ! link_back; then
    say "current could not be changed; it is tried again"
    return 0
  fi
  "$base/releases/$from/scripts/install-units.sh" lab-host >&2 || say "the units of $from could not all be put in place"
  write_flipped || {
    say "$state could not be written; it is tried again"
    return 0
  }
  drop_lock
  # Last, and in one call that waits for nothing: it may end the very unit start that this runs before.
  set -- cis490-autoupdate.service
  for unit in cis490-receiver.service cis490-shipper.service cis490-orchestrator.service; do
    if is_enabled "$unit"; then set -- "$@" "$unit"; fi
  done
  "$systemctl" --no-block restart "$@" || say "not restarted: $*"
}

why_back() {
  if [ ! -d "$base/releases/$to" ]; then
    why="$to is not there"
  elif [ "$boots" -gt $max_boots ]; then
    why="$boots starts of units without a confirmation"
  elif [ "$ticks" -ge "$max_ticks" ]; then
    why="$ticks minutes without a confirmation"
  else
    return 1
  fi
}

run() {
  state=$(readlink -- "$guard/update-state.json") || return 0
  case $state in /*) ;; *) state=$guard/$state ;; esac
  [ -f "$state" ] || return 0
  # Almost always there is nothing to do, and no lock is needed to know it.
  read_pending || return 0
  take_lock || {
    [ "$1" != drop ] || exit 1
    say "update-state.json is being written by somebody else for too long: not counted"
    return 0
  }
  read_pending || return 0
  case $1 in
    unit) boots=$((boots + 1)) ;;
    tick) ticks=$((ticks + 1)) ;;
    drop) write_dropped || exit 1; exit 0 ;;
  esac
  write_counts || say "$state could not be written: not counted"
  why_back || return 0
  [ -d "$base/releases/$from" ] || {
    say "$why, and $from, which ran before, is not there: nothing is changed"
    return 0
  }
  running=$(readlink "$base/current" 2>/dev/null)
  case ${running##*/} in
    "$from" | "$to" | '') flip ;;
    *) say "$why, and current names neither $from nor $to: nothing is changed" ;;
  esac
}

case ${1:-} in
  unit | tick | drop) run "$1" ;;
  *)
    printf 'usage: update-guard.sh unit [NAME] | tick | drop\n' >&2
    exit 2
    ;;
esac
exit 0
