// The most memory that the receiver ever held while many large bodies came in at once, as the kernel counted it.

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { peakMiBOf } from './measure-command.ts';
import { cis490 } from './peers/cis490.ts';
import type { Run } from './run-workload.ts';
import type { RowResult } from './table.ts';

const MIB = 1024 * 1024;
const AT_ONCE = 64;
const TARGET_MIB = 160;
const STORED = 201;

export async function measurePeakMemory({ directory, load, progress }: Run, quick: boolean): Promise<RowResult> {
  const sizeBytes = quick ? MIB : 256 * MIB;
  const place = join(directory, 'memory');
  await mkdir(place);
  const running = await cis490.start(place);
  try {
    await load.prepare(sizeBytes, 1);
    const before = peakMiBOf(running.pid);
    const episodes = Array.from({ length: AT_ONCE }, (_, index) => ({
      hostId: `lab-${index}`,
      episodeId: 'large',
      body: 0,
    }));
    await running.take({ load, episodes, sizeBytes, atOnce: AT_ONCE, expectedStatus: STORED });
    const peak = peakMiBOf(running.pid);
    progress(`memory: ${before.toFixed(0)} MiB after the start, ${peak.toFixed(0)} MiB at the most\n`);
    const title = `receiver's peak memory under ${AT_ONCE} × ${sizeBytes / MIB} MiB at once`;
    const verdict = peak <= TARGET_MIB ? 'yes' : '**no**';
    const cells = [`${peak.toFixed(0)} MiB`, 'itself after its start', `${before.toFixed(0)} MiB`, '–'];
    return { lines: [[title, ...cells, `≤ ${TARGET_MIB} MiB`, verdict]], missing: [] };
  } finally {
    await running.stop();
    await rm(place, { recursive: true, force: true });
  }
}
