#!/bin/bash
# The first process of a test's machines: in its own network, among its own processes. When it ends, all of theirs end with it.
# init-network.sh DIRECTORY
set -e
[ "$2" = inside ] || exec unshare --mount --net --pid --fork --kill-child --propagation private bash "$0" "$1" inside
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
# Of the processes outside: read before the machines have a /proc of their own.
read -r pid _ </proc/self/stat
mount -t proc proc /proc
echo "$pid" >"$1/wire/network.pid.new"
mv "$1/wire/network.pid.new" "$1/wire/network.pid"
sleep infinity &
wait
