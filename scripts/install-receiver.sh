#!/bin/sh
# Makes the receiver of this machine from the tree that this file lies in: a git checkout, an unpacked release, or what is installed. May
# be run again at any time, and after a kill at any line ends whole: it changes only what is not as it should be.
set -eu

usage='usage: install-receiver.sh [--root DIR]
  --root DIR  install into a directory: an image that is being made'
role=receiver
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
make_user
own 755 "$uid:$gid" "$root/var/lib/cis490"
place_release
hand_over_checkout
put_in_force
put_configuration
read_configuration

sh "$opt/current/scripts/install-units.sh" receiver ${root:+--root "$root"}
what_is_left=
if is_ready; then
  set_unit yes cis490-receiver.service
  set_unit yes cis490-fleet-health.timer
  set_unit yes cis490-doctor-check.timer
fi
remove_old_releases
end_with_verdict
