// The row `pack`: one large episode packed, hashed and sent, with what that takes of the processor and of memory.

import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { largeEpisode } from './episode-content.ts';
import { figuresOf, runSenders, type Sent } from './run-senders.ts';
import type { Run } from './run-workload.ts';
import { packThenPut } from './senders/scripts.ts';
import { shipper } from './senders/shipper.ts';
import { formatLimit, type RowResult, resultOf, type Target } from './table.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const PEAK_LIMIT_MIB = 120;
// The episode, its tarball in the outbox and the same in the store: no compression is counted on.
const COPIES = 3;
const MARGIN_BYTES = GIB;

export function largeEpisodeBytes(quick: boolean): number {
  return quick ? 64 * MIB : 4 * GIB;
}

/** Throws when the disk has no room for it, before anything is measured. */
export async function requireRoom(directory: string, sizeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const neededBytes = sizeBytes * COPIES + MARGIN_BYTES;
  if (bavail * bsize >= neededBytes) return;
  const [needed, found] = [neededBytes, bavail * bsize].map((bytes) => (bytes / GIB).toFixed(1));
  throw new Error(`pack needs ${needed} GiB free in ${directory}, which has ${found}: choose another disk with --dir`);
}

export async function measurePack(run: Run, sizeBytes: number): Promise<RowResult> {
  const place = join(run.directory, 'pack-source');
  await mkdir(place);
  run.progress(`pack: writing the episode of ${sizeOf(sizeBytes)}\n`);
  const { make, putBack } = await largeEpisode(place, sizeBytes);
  try {
    const turns = await runSenders(run, {
      name: 'pack',
      senders: [shipper, packThenPut],
      episodes: 1,
      warmUpEpisodes: 1,
      make,
      clear: async (running, episodeIds) => {
        for (const episodeId of episodeIds) {
          await putBack(running.sentDirectory(episodeId));
          await rm(running.storedFile(episodeId));
        }
      },
      describe: ({ seconds, cpuSeconds, peakMiB }) =>
        `${seconds.toFixed(1)} s, of a processor ${cpuSeconds.toFixed(1)} s, ${peakMiB.toFixed(0)} MiB`,
    });
    const compare = (title: string, unit: string, figure: (sent: Sent) => number, target?: Target) => {
      const ours = figuresOf(turns, shipper, figure);
      const measured = figuresOf(turns, packThenPut, figure);
      const peers = [{ measured, target }];
      return resultOf({ title, unit, digits: 1, ours: ours.kind === 'figures' ? ours.figures : [], peers });
    };
    const title = `pack and ship 1 × ${sizeOf(sizeBytes)}, TLS, rounds: ${run.rounds}`;
    const time = compare(title, 's', ({ seconds }) => seconds, { atMost: 1.1 });
    const processor = compare('processor time of the sender in it', 's', ({ cpuSeconds }) => cpuSeconds);
    const sent = compare('bytes sent in it', 'MiB', ({ storedMiB }) => storedMiB);
    const peaks = figuresOf(turns, shipper, ({ peakMiB }) => peakMiB);
    const memory = formatLimit(
      "shipper's peak memory in it",
      peaks.kind === 'figures' ? peaks.figures : [],
      PEAK_LIMIT_MIB,
      'MiB',
    );
    return { lines: [...time.lines, ...processor.lines, ...sent.lines, memory], missing: time.missing };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

function sizeOf(bytes: number): string {
  return bytes >= GIB ? `${bytes / GIB} GiB` : `${bytes / MIB} MiB`;
}
