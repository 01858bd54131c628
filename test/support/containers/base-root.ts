// A small Debian with systemd that all machines of all test files are overlays of: made once by debootstrap, kept in the temporary
// directory under a name that says what is in it, complete or not there.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SUITE = 'bookworm';
// What the installers ask for, what users of the documented commands have, and what the tests look with.
const PACKAGES =
  'systemd,systemd-sysv,dbus,ca-certificates,libatomic1,iproute2,sudo,openssl,curl,zstd,git,procps,util-linux';
const MIRROR = process.env['DEBIAN_MIRROR'] ?? 'http://deb.debian.org/debian';

/** Takes a minute or two the first time. Whoever comes meanwhile waits. Never write into it. */
export async function baseRoot(): Promise<string> {
  const recipe = createHash('sha256').update(`${SUITE} ${PACKAGES}`).digest('hex').slice(0, 12);
  const path = join(tmpdir(), `cis490-base-${recipe}`);
  // The journal of a machine outlives its restarts; a name of its own comes with each machine.
  const script = `
    test -d "$1" && exit 0
    rm -rf "$1.new"
    debootstrap --variant=minbase --include=${PACKAGES} ${SUITE} "$1.new" ${MIRROR}
    mkdir -p "$1.new/var/log/journal"
    rm -rf "$1.new"/var/cache/apt/archives/*.deb "$1.new/etc/hostname"
    : >"$1.new/etc/machine-id"
    mv "$1.new" "$1"`;
  await promisify(execFile)('flock', [`${path}.lock`, 'sh', '-e', '-c', script, '-', path], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return path;
}
