// Whether files of one directory can be published into another by link(2).

import { link, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isNoRoom } from '../../lib/app-error.ts';
import { removeFile } from '../../lib/remove-file.ts';

export const LINK_PROBE = '.link-probe';

/** Tried, because two bind mounts of one filesystem have one device number and still refuse a link. */
export async function canLink(from: string, to: string): Promise<boolean> {
  const [source, target] = [join(from, LINK_PROBE), join(to, LINK_PROBE)];
  try {
    await removeFile(target);
    await writeFile(source, '');
    await link(source, target);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EXDEV') return false;
    // A full disk must not keep a receiver from starting; the first commit will tell.
    if (isNoRoom(error)) return true;
    throw error;
  } finally {
    await Promise.all([removeFile(source), removeFile(target)]);
  }
}
