// Room for what is recorded: space and inodes on the disk of data_dir, and that the service may write there at all.

import { readFile, realpath, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../../lib/app-error.ts';
import { formatSize } from '../../../lib/format-size.ts';
import { isThere } from '../../../lib/is-there.ts';
import { type CheckResult, green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { mayUse } from '../../../lib/self-check/service-user.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { BACKPRESSURE_FILE } from '../../data-layout.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { mountOf } from '../mount-of.ts';

const NEAR = 2;
// Of all inodes.
const FEW_INODES = 0.05;
const NO_INODES = 0.01;

export const diskCheck: Check<'disk'> = {
  id: 'disk',
  timeoutMs: 10_000,
  async run(context) {
    const root = context.layout.root;
    return (await whetherItCanBeWritten(root, context)) ?? (await whetherThereIsRoom(root, context));
  },
};

async function whetherItCanBeWritten(root: string, { user, system }: DoctorContext): Promise<CheckResult | undefined> {
  const word = shellWord(root);
  const owner = shellWord(`${user.name}:${user.group}`);
  const stats = await stat(root).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  // Made anew below an empty mount point it would hide what is on the disk that belongs there.
  if (!stats)
    return red(
      `there is no ${root}: a disk may not be mounted`,
      'findmnt --fstab --verify',
      `sudo mount -a && test -d ${word} && sudo systemctl restart cis490-shipper`,
    );
  if (!stats.isDirectory())
    return red(
      `${root} is no directory`,
      `sudo mv ${word} ${shellWord(`${root}.aside`)}`,
      `sudo install -d -o ${shellWord(user.name)} -g ${shellWord(user.group)} ${word}`,
    );
  const mount = mountOf(await realpath(root), await readFile(system.mountInfo, 'utf8').catch(() => ''));
  if (mount?.isReadOnly)
    return red(
      `${root} is on a disk that is mounted read-only (${mount.point}): nothing is recorded or shipped`,
      'sudo dmesg --level=err | tail -n 20',
      `sudo mount -o remount,rw ${shellWord(mount.point)}`,
    );
  if (!mayUse(stats, user, 'read', 'write', 'enter'))
    return red(`${user.name} may not write to ${root}`, `sudo chown ${owner} ${word}`, `sudo chmod u+rwx ${word}`);
  return undefined;
}

async function whetherThereIsRoom(root: string, { config, cures }: DoctorContext): Promise<CheckResult> {
  const { bavail, bsize, files, ffree } = await statfs(root);
  const free = bavail * bsize;
  const { min_free } = config.shipper;
  const word = shellWord(root);
  const space = `${formatSize(free)} free, min_free is ${formatSize(min_free)}`;
  const makeRoom = [
    `df -h ${word}`,
    `sudo du -xh --max-depth=2 ${word} | sort -h | tail -n 20`,
    cures.cis490('quarantine purge --older-than 30d --dry-run'),
  ];
  if (free < min_free) return red(`${space}: no recording starts until there is room`, ...makeRoom);
  // Some filesystems make inodes as they go, and tell of none.
  const inodesLeft = files === 0 ? 1 : ffree / files;
  const inodes = files === 0 ? '' : `, ${Math.floor(inodesLeft * 100)} % of the inodes`;
  const findFiles = [`df -i ${word}`, `sudo du --inodes -x --max-depth=2 ${word} | sort -n | tail -n 20`];
  if (inodesLeft < NO_INODES)
    return red(`${ffree} inodes are left of ${files}: no more files can be made`, ...findFiles);
  if (await isThere(join(root, BACKPRESSURE_FILE)))
    return red(
      `${BACKPRESSURE_FILE} is there: the shipper found the disk short, and no recording starts until it takes that away; ${space}`,
      'sudo systemctl restart cis490-shipper',
      ...makeRoom,
    );
  if (free < min_free * NEAR) return yellow(space, ...makeRoom);
  return inodesLeft < FEW_INODES ? yellow(`${space}${inodes}`, ...findFiles) : green(`${space}${inodes}`);
}
