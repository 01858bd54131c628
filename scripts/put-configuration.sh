# shellcheck shell=sh disable=SC2034,SC2154  # What one of these files sets, another uses.
# The configuration file of a machine and what it asks for. Read by the installers after install-common.sh. A file that is there is never
# overwritten; the newest template lies beside it.

# Sets configuration.
put_configuration() {
  configuration=/etc/cis490/$role.toml
  template=$opt/current/etc/$role.toml.example
  # On a lab host the service may only read it: with it goes which keys may sign what root installs. On the receiver it keeps the tokens.
  if [ "$role" = receiver ] || [ -e "$root/etc/cis490/receiver.toml" ]; then holder=$uid:$gid; else holder=0:$gid; fi
  own 750 "$holder" "$root/etc/cis490"
  put_text 644 0:0 "$root$configuration.example" <"$template"
  [ -e "$root$configuration" ] || render_template <"$template" | put_text 640 "0:$gid" "$root$configuration"
  # Written by hand it may be root's alone; the service must read it, and nobody else.
  if [ "$(stat -c '%u:%g %a' "$root$configuration")" != "0:$gid 640" ]; then
    chown "0:$gid" "$root$configuration"
    chmod 640 "$root$configuration"
  fi
  put_text 644 0:0 "$root/etc/tmpfiles.d/cis490.conf" <"$opt/current/etc/tmpfiles.d/cis490.conf"
}

render_template() {
  if [ "$role" != lab-host ]; then cat; return 0; fi
  if [ -n "$root" ]; then name=$(cat "$root/etc/hostname" 2>/dev/null || true); else name=$(uname -n); fi
  name=$(printf %s "${name%%.*}" | tr -c 'A-Za-z0-9._-' '-' | sed 's/^[^A-Za-z0-9]*//' | cut -c 1-64)
  awk -v name="$name" -v records="$wants_telemetry" '
    /^host_id = / && name != "" { print "host_id = \"" name "\""; next }
    /^\[/ { section = $0 }
    section == "[orchestrator]" && records != "" && /^# enabled = false/ { print "enabled = true"; next }
    { print }'
  [ -z "$wants_telemetry" ] || telemetry_workload
}

telemetry_workload() {
  cat <<'END'

# What this machine does, five minutes an episode.
[[orchestrator.workload]]
name = "telemetry"
command = ["cis490", "telemetry", "--duration", "300", "--rate", "1"]
interval_s = "5 min"
END
}

# For a configuration that was there before: adds to it what it says nothing of, and tells what else to add by hand.
add_telemetry() {
  [ -n "$wants_telemetry" ] || return 0
  if ! grep -q '^[[ ]*orchestrator' "$root$configuration"; then
    {
      cat "$root$configuration"
      printf '\n[orchestrator]\nenabled = true\n'
      telemetry_workload
    } | put_text 640 "0:$gid" "$root$configuration"
    read_configuration
    return 0
  fi
  if grep -q '"telemetry"' "$root$configuration" && { [ -z "$parts" ] || asks_for orchestrator; }; then return 0; fi
  say "$configuration has an [orchestrator] section of its own: set enabled = true in it, and add at its end:"
  telemetry_workload
}

# As the service, whose rights count: a secret that it may not read is a mistake. Sets parts: what scripts/configured-parts.ts tells, or nothing.
read_configuration() {
  parts=
  can_run || return 0
  for node in "$opt"/current/node_modules/node-linux-*/bin/node; do
    parts=$(as_service "${node#"$root"}" /opt/cis490/current/scripts/configured-parts.ts "$role" "$configuration") || parts=
  done
}
as_service() {
  inside setpriv --reuid="$uid" --regid="$gid" --clear-groups /usr/bin/env HOME=/var/lib/cis490 NODE_DISABLE_COMPILE_CACHE=1 "$@"
}
asks_for() { printf '%s\n' "$parts" | grep -qx "$1"; }

# Exit code 0 when units may be started by it; else it has been told what to edit.
is_ready() {
  has_mistake=
  if ! can_run; then
    what_is_left="nothing is enabled: programs of $root cannot be run here. Install in a root directory with a shell, or put a bootstrap seed into it"
    return 1
  fi
  if [ -z "$parts" ]; then
    as_service /opt/cis490/current/bin/cis490 config check "$configuration" --role "$role" || true
    what_is_left="$configuration has a mistake: edit it" has_mistake=yes
    return 1
  fi
  if asks_for template; then
    what_is_left="edit $configuration: it is still the template"
    return 1
  fi
}
