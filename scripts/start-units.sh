# shellcheck shell=sh disable=SC2034,SC2154  # What one of these files sets, another uses.
# Makes systemd run what the configuration asks for, and tells how the machine is. Read by the installers after install-common.sh.

enable_unit() { control enable "$1" 2>/dev/null || fail "systemd could not enable $1"; }

# set_unit yes|'' UNIT: enabled and running, or neither. A service that runs is started anew, on the release that is now in force.
set_unit() {
  if [ -z "$1" ]; then
    control disable "$2" 2>/dev/null || true
    # A recording that runs may end by itself: it is not waited for.
    if is_booted; then control stop --no-block "$2"; fi
    return 0
  fi
  enable_unit "$2"
  is_booted || return 0
  case $2 in
    *.timer) control start "$2" ;;
    cis490-orchestrator.service)
      # It lets its recording end, for up to ten minutes, before it starts anew.
      control restart --no-block "$2" ;;
    *) control restart "$2" || fail "$2 does not start" "see why: journalctl -u $2 -n 50 --no-pager" ;;
  esac
}

# What a person installs goes before what the updater and its guard are about to do.
stop_updates() {
  if is_booted; then control stop cis490-update-guard.timer cis490-update-guard.service cis490-autoupdate.service 2>/dev/null || true; fi
}

# Episodes that were made before this host had a stamp would be refused, each with a request of its own.
drain_unstamped() {
  if is_booted; then
    as_service /opt/cis490/current/bin/cis490 quarantine-unstamped || say 'the unstamped episodes stay: the shipper sends them, and the receiver decides'
  fi
}

end_with_verdict() {
  if [ -n "$what_is_left" ]; then
    say "installed. What is left: $what_is_left."
    [ -n "$root" ] || say "then run again: sudo /opt/cis490/scripts/install-$role.sh"
    # A template that waits to be edited is no failure; a mistake in what somebody wrote is.
    [ -z "$has_mistake" ] || exit 1
    return 0
  fi
  if ! is_booted; then
    say 'installed. The units start when the machine does.'
    return 0
  fi
  cis490 doctor --role "$role" || true
  # So that the receiver knows of this host at once.
  [ "$role" != lab-host ] || control start --no-block cis490-doctor-check.service
  say 'installed, and running.'
}
