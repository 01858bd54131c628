#!/bin/bash
# One machine: its own root directory, mounts and network card, at one switch with the others; a disk of 64 MiB under /var/lib/cis490.
# init-machine.sh DIRECTORY NAME ADDRESS PROJECT
set -e
directory=$1 name=$2 address=$3 project=$4
root=$directory/machines/$name
unshare --mount --net sleep infinity </dev/null >/dev/null 2>&1 &
holder=$!
until [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ] && grep -q sleep /proc/$holder/comm; do sleep 0.01; done

ip link add "v-$name" type veth peer name eth0 netns "$holder"
ip link set "v-$name" master br0 up
inside() { nsenter -t "$holder" -m -n "$@"; }
inside ip link set lo up
inside ip addr add "$address/24" dev eth0
inside ip link set eth0 up

cd "$root"
mkdir -p usr proc dev tmp root run/systemd/system run/units run/edits run/wire run/clock run/compiled var/log/units var/lib/cis490 srv/git etc/units \
  etc/cis490 opt/cis490/{bin,src,test,node_modules,scripts}
for link in bin sbin lib lib64; do [ -e $link ] || ln -s usr/$link $link; done
chmod 1777 tmp
inside bash -e -c '
  cd "$2"
  mount --make-rprivate /
  mount --rbind /usr usr
  mount --bind '"$directory"'/bin usr/local/bin
  mount --bind /proc proc
  mount --rbind /dev dev
  for part in bin src test node_modules; do mount --bind "$1/$part" opt/cis490/$part; done
  mount --bind '"$directory"'/wire run/wire
  for part in ssl alternatives; do mkdir -p etc/$part; mount --bind /etc/$part etc/$part; done
  mount --bind '"$directory"'/clock run/clock
  mount --bind '"$directory"'/../compiled run/compiled
  mount --bind '"$directory"'/git srv/git
  mount -t tmpfs -o size=64m,mode=755,uid=47490,gid=47490 tmpfs var/lib/cis490
' - "$project" "$root"
echo "$holder" >"$directory/wire/$name.pid.new"
mv "$directory/wire/$name.pid.new" "$directory/wire/$name.pid"
