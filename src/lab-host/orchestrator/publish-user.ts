// Whose rights `cis490 publish` works with: run by root, it leaves nothing that belongs to root.

import { stat } from 'node:fs/promises';
import { AppError, isMissing } from '../../lib/app-error.ts';
import { becomeOwner } from '../../lib/become-owner.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import { belongsTo } from './tree-commands.ts';

export interface User {
  uid: number;
  gid: number;
}

/**
 * Root works for whom the data belong to. It becomes that user for good where the recording is that user's, too. Otherwise it copies,
 * gives the copy away, and returns that user, to publish as: to chown what lies there would give away whatever a hard link in it
 * leads to.
 */
export async function becomeWhoMayPublish(source: string, dataDir: string): Promise<User | undefined> {
  if (process.getuid?.() !== 0) {
    await makeDirectory(dataDir);
    await becomeOwner(dataDir);
    return undefined;
  }
  const { uid, gid } = await stat(dataDir).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new AppError('bad-input', `there is no ${dataDir}`, {
      hint: 'the shipper makes it at its first start: systemctl start cis490-shipper',
      cause: error,
    });
  });
  if (uid === 0) return undefined;
  if (!(await belongsTo(source, uid))) return { uid, gid };
  await becomeOwner(dataDir);
  return undefined;
}

/** Runs `work` with that user's rights, and goes back to root's. */
export async function asUser<T>(user: User | undefined, work: () => Promise<T>): Promise<T> {
  if (!user) return await work();
  process.setegid?.(user.gid);
  process.seteuid?.(user.uid);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
