#!/bin/bash
# Runs a command as root of one machine: enter.sh NAME COMMAND…
wire=$(dirname -- "$(readlink -f -- "$0")")
directory=$(cat "$wire/directory")
name=$1
shift
exec nsenter -t "$(cat "$wire/$name.pid")" -m -n chroot "$directory/machines/$name" /usr/bin/env -i HOME=/root LANG=C.UTF-8 NO_COLOR=1 \
  PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin NODE_COMPILE_CACHE=/run/compiled NODE_OPTIONS=--import=/opt/cis490/test/support/machines/changed-clock.ts "$@"
