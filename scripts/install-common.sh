# shellcheck shell=sh disable=SC2034,SC2154  # What one of these files sets, another uses.
# What both installers do, as functions; it is read by them and does nothing by itself. After a kill at any line the next run ends whole:
# what is there is left as it is, what is made gets its name by one rename, and only when it is on the disk.
# Set by whoever reads it: role (lab-host or receiver), tree (the top of the tree that it lies in).
# Set by parse_options: root (empty: this machine), opt, wants_telemetry.

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  [ $# -lt 2 ] || printf '%s: %s\n' "${0##*/}" "$2" >&2
  exit 1
}

parse_options() {
  root='' wants_telemetry=''
  while [ $# -gt 0 ]; do
    case $1 in
      --root) [ $# -gt 1 ] || fail '--root needs a directory'; root=$2; shift ;;
      --root=*) root=${1#--root=} ;;
      --with-telemetry) [ "$role" = lab-host ] || fail '--with-telemetry is for lab hosts'; wants_telemetry=yes ;;
      --help | -h) say "$usage"; exit 0 ;;
      *) printf '%s: unknown argument %s\n%s\n' "${0##*/}" "$1" "$usage" >&2; exit 2 ;;
    esac
    shift
  done
  [ -z "$root" ] || root=$(CDPATH='' cd -- "$root" && pwd -P) || fail "there is no directory $root"
  [ "$root" != / ] || root=
  opt=$root/opt/cis490
  [ "$(id -u)" = 0 ] || fail 'only root can install' "run: sudo $0"
}

is_booted() { [ -z "$root" ] && [ -d /run/systemd/system ]; }
# A root directory that programs can run in: this machine's, or an image's.
can_run() { [ -z "$root" ] || chroot "$root" /bin/sh -c : 2>/dev/null; }
inside() { if [ -n "$root" ]; then chroot "$root" "$@"; else "$@"; fi; }
# By a whole path: /usr/local/bin is in not everybody's PATH. What root compiles would be of use to nobody else.
cis490() { inside /usr/bin/env NODE_DISABLE_COMPILE_CACHE=1 /opt/cis490/current/bin/cis490 "$@"; }
control() { systemctl ${root:+--root="$root"} --quiet "$@"; }

# One at a time; the lock dies with the process.
lock_installation() {
  mkdir -p "$opt"
  exec 9<"$opt"
  flock --nonblock 9 || fail "another installer is at work in $opt" 'wait for it to end, and run this again'
}

# All that is missing, at once.
check_prerequisites() {
  missing=
  lacks() { missing="$missing $1"; }
  command -v systemctl >/dev/null || lacks systemd
  command -v systemd-sysusers >/dev/null || [ ! -x /usr/bin/apt-get ] || lacks systemd
  command -v flock >/dev/null || lacks util-linux
  if [ -e "$tree/.git" ]; then command -v git >/dev/null || lacks git; fi
  # Node links it.
  if [ -d "$root/usr/lib" ] && [ -z "$(find -H "$root/lib" "$root/lib64" "$root"/usr/lib* -maxdepth 2 -name 'libatomic.so.1' 2>/dev/null)" ]; then
    lacks libatomic1
  fi
  [ -z "$missing" ] || fail "this machine lacks:$missing" "run: apt-get update && apt-get install --yes$missing"
}

make_user() {
  [ -d "$root/etc" ] || mkdir -p "$root/etc"
  grep -q '^cis490:' "$root/etc/passwd" 2>/dev/null || systemd-sysusers --root="${root:-/}" - <"$tree/etc/sysusers.d/cis490.conf" >/dev/null
  # Of that root directory, whatever users this machine has.
  uid=$(sed -n 's/^cis490:[^:]*:\([0-9]*\):\([0-9]*\):.*/\1/p' "$root/etc/passwd")
  gid=$(sed -n 's/^cis490:[^:]*:\([0-9]*\):\([0-9]*\):.*/\2/p' "$root/etc/passwd")
  [ -n "$uid$gid" ] || fail "the user cis490 is not in $root/etc/passwd"
}

# own MODE OWNER:GROUP DIRECTORY: made if it is not there, changed only if it is different.
own() {
  [ -d "$3" ] || mkdir -p "$3"
  [ "$(stat -c '%u:%g %a' "$3")" = "$2 $1" ] || { chown "$2" "$3"; chmod "$1" "$3"; }
}

# put_text MODE OWNER:GROUP FILE <text: by one rename, and only when it is another text.
put_text() {
  [ -d "${3%/*}" ] || mkdir -p "${3%/*}"
  # Not into a file first: what is as it should be is not touched, nor is its directory. The x keeps line ends at the end.
  text=$(cat; printf x)
  if printf %s "${text%x}" | cmp -s - "$3"; then return 0; fi
  printf %s "${text%x}" >"$3.new"
  chown "$2" "$3.new"
  chmod "$1" "$3.new"
  sync "$3.new"
  mv -fT "$3.new" "$3"
  sync "${3%/*}"
  say "wrote $3"
}

# link TARGET NAME, by one rename.
link() {
  [ "$(readlink -- "$2" || true)" != "$1" ] || return 0
  [ -d "${2%/*}" ] || mkdir -p "${2%/*}"
  rm -f "$2.new"
  ln -s "$1" "$2.new"
  mv -fT "$2.new" "$2"
  sync "${2%/*}"
  say "linked $2 to $1"
}
