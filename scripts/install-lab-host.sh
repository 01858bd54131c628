#!/bin/sh
# Makes a lab host of this machine from the tree that this file lies in: a git checkout, an unpacked release, or what is installed. May be
# run again at any time, and after a kill at any line ends whole: it changes only what is not as it should be.
set -eu

usage='usage: install-lab-host.sh [--with-telemetry] [--root DIR]
  --with-telemetry  record what this machine does (processor, memory, disk, network), five minutes an episode
  --root DIR        install into a directory: an image that is being made'
role=lab-host
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
tree=${here%/*}
# shellcheck source=scripts/install-common.sh
. "$here/install-common.sh"
# shellcheck source=scripts/place-release.sh
. "$here/place-release.sh"
# shellcheck source=scripts/put-configuration.sh
. "$here/put-configuration.sh"
# shellcheck source=scripts/start-units.sh
. "$here/start-units.sh"

parse_options "$@"
cd /
umask 022
check_prerequisites
lock_installation
stop_updates
make_user
own 755 "$uid:$gid" "$root/var/lib/cis490"
own 750 "$uid:$gid" "$root/var/lib/cis490/data"
own 700 "$uid:$gid" "$root/var/lib/cis490/identity"
# Bootstrap writes certificate and key as root, before there is a user for them.
find "$root/var/lib/cis490/identity" \( ! -uid "$uid" -o ! -gid "$gid" \) -exec chown -h "$uid:$gid" {} +
place_release
hand_over_checkout
put_in_force
put_configuration
read_configuration
add_telemetry

# The guard lies outside of the releases: what a bad one breaks, it is to mend.
if [ -f "$opt/current/scripts/update-guard.sh" ]; then
  put_text 755 0:0 "$opt/guard/update-guard.sh" <"$opt/current/scripts/update-guard.sh"
fi
data_dir=$(printf '%s\n' "$parts" | sed -n 's/^data_dir //p')
data_dir=${data_dir:-/var/lib/cis490/data}
link "${data_dir%/*}/update-state.json" "$opt/guard/update-state.json"

sh "$opt/current/scripts/install-units.sh" lab-host ${root:+--root "$root"}
set_unit yes cis490-update-guard.timer
enable_unit cis490-bootstrap.service
what_is_left=
if is_ready; then
  set_unit yes cis490-doctor-check.timer
  set_unit "$(asks_for autoupdate && echo yes)" cis490-autoupdate.timer
  set_unit "$(asks_for cert && echo yes)" cis490-cert-fetch.timer
  drain_unstamped
  set_unit yes cis490-shipper.service
  set_unit "$(asks_for orchestrator && echo yes)" cis490-orchestrator.service
fi
remove_old_releases
end_with_verdict
