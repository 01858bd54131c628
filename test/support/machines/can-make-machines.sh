#!/bin/bash
# Whether this machine lets namespaces, a switch with network cards, and mounts be made: exit code 0.
exec unshare --mount --net --pid --fork bash -e -c '
  ip link add br0 type bridge
  ip link add v0 type veth peer name v1
  mount -t tmpfs tmpfs /mnt'
