// The store is there, and whoever it belongs to may write all of it: what root once made by hand stops the receiver.

import { access, constants, lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isMissing } from '../../../lib/app-error.ts';
import { type CheckResult, green, red } from '../../../lib/self-check/check-result.ts';
import { findServiceUser, type ServiceUser } from '../../../lib/self-check/service-user.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import type { Check } from '../check.ts';

// What the receiver writes, and nothing that a filesystem or a maintainer has put beside it.
const OURS = /^(?:episodes|incoming|uploads|host-health|(?:index|alerts)\.jsonl|gate\.json|[\w.-]+\.db(?:-wal|-shm)?)$/;
const OWNER_READS_AND_WRITES = 0o600;
const OWNER_ENTERS = 0o100;
const MOST_NAMED = 5;
const UNIT = 'cis490-receiver.service';

export const storeCheck: Check<'store'> = {
  id: 'store',
  timeoutMs: 15_000,
  async run({ config, run }) {
    const { root } = config.store;
    const word = shellWord(root);
    const found = await stat(root).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (!found)
      return red(
        `there is no ${root}: a disk may not be mounted`,
        'findmnt --fstab --verify',
        // Never made anew here: a second, empty store below the mount point would take what is shipped.
        `sudo mount -a && test -d ${word} && sudo systemctl restart cis490-receiver`,
      );
    if (!found.isDirectory()) return red(`${root} is no directory`, `sudo mv ${word} ${shellWord(`${root}.aside`)}`);
    return (await whyReadOnly(root)) ?? (await whetherItsOwnerMayWrite(root, await findServiceUser(UNIT, root, run)));
  },
};

/** Whoever asks: of a disk that is mounted read-only the kernel says so before it looks at rights. */
async function whyReadOnly(root: string): Promise<CheckResult | undefined> {
  const failure = await access(root, constants.W_OK).then(() => undefined, errnoOf);
  if (failure !== 'EROFS') return undefined;
  return red(
    `${root} is on a disk that is mounted read-only: nothing is stored`,
    'sudo dmesg --level=err | tail -n 20',
    `sudo mount -o remount,rw "$(findmnt -n -o TARGET -T ${shellWord(root)})"`,
  );
}

async function whetherItsOwnerMayWrite(root: string, user: ServiceUser): Promise<CheckResult> {
  const names = (await readdir(root)).filter((name) => OURS.test(name));
  const [foreign, closed]: [string[], string[]] = [[], []];
  for (const path of [root, ...names.map((name) => join(root, name))]) {
    // A database's log comes and goes.
    const stats = await lstat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (!stats) continue;
    const needed = OWNER_READS_AND_WRITES | (stats.isDirectory() ? OWNER_ENTERS : 0);
    if (stats.uid !== user.uid) foreign.push(path);
    else if ((stats.mode & needed) !== needed) closed.push(path);
  }
  if (foreign.length > 0)
    return red(
      `not ${user.name}'s (uid ${user.uid}), so that the receiver may not write it: ${named(foreign)}`,
      `sudo chown -R ${shellWord(`${user.name}:${user.group}`)} ${words(foreign)}`,
    );
  if (closed.length > 0)
    return red(`${user.name} may not write ${named(closed)}, its own`, `sudo chmod u+rwX ${words(closed)}`);
  return green(`${root} is there, and ${user.name} may write it`);
}

function named(paths: readonly string[]): string {
  const more = paths.length - MOST_NAMED;
  return paths.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function words(paths: readonly string[]): string {
  return paths.map(shellWord).join(' ');
}
