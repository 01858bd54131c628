// The guard lies outside of the releases, so that no release breaks it: a newer one comes with a release once that is confirmed, so that
// what was mended in it reaches the hosts, too.

import { join } from 'node:path';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { releasePath } from './install-layout.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

/** `running`: the release in force, not on trial. Where the guard cannot be written the old one stays. */
export async function placeGuard({ layout, logger }: UpdateDependencies, running: string): Promise<void> {
  const guard = join(layout.guard, 'update-guard.sh');
  try {
    const wanted = await readIfThere(join(releasePath(layout, running), 'scripts/update-guard.sh'));
    if (wanted === undefined || wanted === (await readIfThere(guard))) return;
    await writeFileDurably(guard, wanted, { mode: 0o755 });
    logger.info({ guard, from: running }, 'update: the guard of this release is in place');
  } catch (error) {
    logger.warn(
      { err: error, guard },
      'update: the guard could not be brought up to date; tried again at the next run',
    );
  }
}
