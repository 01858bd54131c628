// What the hosts record meanwhile: a few new episodes at a time, most of them small, all of them made by the seed.

import { createCipheriv } from 'node:crypto';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT } from '../support/fleet.ts';
import type { Published } from '../support/nothing-lost.ts';
import type { SoakHost } from './soak-fleet.ts';

const MOST_AT_ONCE = 6;
const LARGEST_BYTES = 1024 * 1024;
// A few are cut off in the middle, whatever the link.
const LARGE = 0.02;
const LARGE_BYTES = 24 * 1024 * 1024;
const FROM_OTHER_CODE = 0.1;

export function publishSome(hosts: readonly SoakHost[], published: Published[], random: () => number): void {
  const count = 1 + Math.floor(random() * MOST_AT_ONCE);
  // On a full disk nothing is recorded.
  const recording = hosts.filter(({ disk }) => !disk?.isShrunk);
  for (let made = 0; made < count; made += 1) {
    const host = recording[Math.floor(random() * recording.length)];
    if (!host) throw new Error('no hosts');
    const episodeId = `ep-${String(published.length + 1).padStart(6, '0')}`;
    const content = contentOf(published.length, sizeOf(random));
    const commit = random() < FROM_OTHER_CODE ? STALE_COMMIT : GOOD_COMMIT;
    const files = { 'data.bin': content, 'logs/out.txt': `episode ${episodeId}\n` };
    published.push({ host, episodeId, manifest: publishEpisode(host.data, host.hostId, { episodeId, commit, files }) });
  }
}

function sizeOf(random: () => number): number {
  return Math.floor(random() < LARGE ? random() * LARGE_BYTES : random() ** 4 * LARGEST_BYTES);
}

/** As incompressible as random bytes, and the same for the same number: a key stream. */
function contentOf(number: number, sizeBytes: number): Uint8Array {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(number);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}
