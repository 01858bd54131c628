// A published episode of this host, wherever the shipper has it by now.

import { join } from 'node:path';
import { isThere } from '../../lib/is-there.ts';
import { dataLayout } from '../data-layout.ts';

/** Its path. Undefined also when it was shipped and removed since: that is after shipped_keep_days. */
export async function findEpisode(dataDir: string, episodeId: string): Promise<string | undefined> {
  const { episodes, shipped, quarantine } = dataLayout(dataDir);
  for (const place of [episodes, shipped, quarantine]) {
    const path = join(place, episodeId);
    if (await isThere(path)) return path;
  }
  return undefined;
}
