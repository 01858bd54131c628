// What bootstrap wrote before there was a user for it becomes the service's: its identity, and the configuration for it to read.

import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from '../../lib/read-if-there.ts';

const SERVICE = 'cis490';

export interface GivenFiles {
  /** Where etc/passwd lies: of an image its own users count. */
  root: string;
  identityRoot: string;
  configuration: string;
}

/** Nothing where there is no such user. Throws the system's error. */
export async function giveToService({ root, identityRoot, configuration }: GivenFiles): Promise<void> {
  const passwd = (await readIfThere(join(root, 'etc/passwd'))) ?? '';
  const [, uid, gid] = new RegExp(`^${SERVICE}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd) ?? [];
  if (uid === undefined || gid === undefined) return;
  await own(identityRoot, Number(uid), Number(gid));
  for (const name of await readdir(identityRoot, { recursive: true }))
    await own(join(identityRoot, name), Number(uid), Number(gid));
  await own(configuration, 0, Number(gid));
  await chmod(configuration, 0o640);
}

/** Never what a link leads to. */
async function own(path: string, uid: number, gid: number): Promise<void> {
  const stats = await lstat(path);
  if (stats.uid !== uid || stats.gid !== gid) await lchown(path, uid, gid);
}
