// A host that was cut off for long: thousands of small episodes, each older than the next, whose names say nothing of their age.

import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { publishEpisode } from './episodes.ts';
import { GOOD_COMMIT, type TestHost } from './fleet.ts';
import type { Published } from './nothing-lost.ts';

// A day before now at the latest: what is recorded in the meantime is younger.
const DAY_S = 86_400;

/** A second lies between one and the next. Returns them oldest first. */
export function plantBacklog(host: TestHost, count: number): Published[] {
  const firstS = Math.floor(Date.now() / 1000) - DAY_S - count;
  return Array.from({ length: count }, (_, index) => {
    const episodeId = `e-${String(count - index).padStart(6, '0')}`;
    const manifest = publishEpisode(host.data, host.hostId, {
      episodeId,
      commit: GOOD_COMMIT,
      files: { data: String(index) },
    });
    utimesSync(join(host.data, 'episodes', episodeId), firstS + index, firstS + index);
    return { host, episodeId, manifest };
  });
}
