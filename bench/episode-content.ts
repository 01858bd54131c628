// Episodes for the senders, as the orchestrator leaves them: meta.json and what a workload wrote.

import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMIT } from './load-process.ts';
import { HOST_ID, type MakeEpisode, SCHEMA_VERSION } from './senders/sender.ts';

const SAMPLES_PER_EPISODE = 60;
const COUNTERS = 12;
const VARIANTS = 64;
const POOL_BYTES = 32 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const PAYLOAD_FILE = 'recording.bin';

/** A minute of counters, about 8 KiB: its text is one of a few that exist before. */
export function smallEpisodes(): MakeEpisode {
  const tables = Array.from({ length: VARIANTS }, counters);
  let made = 0;
  return async (directory, episodeId) => {
    await mkdir(directory);
    await writeFile(join(directory, 'meta.json'), metaOf(episodeId));
    await writeFile(join(directory, 'telemetry.csv'), tables[made % VARIANTS] ?? '');
    await writeFile(join(directory, 'stdout.log'), `${episodeId}: ${SAMPLES_PER_EPISODE} samples written\n`);
    await writeFile(join(directory, 'stderr.log'), '');
    made += 1;
  };
}

/** One large file that goes from episode to episode, so that it is written once. `putBack` takes it out of the one that was sent. */
export async function largeEpisode(
  directory: string,
  sizeBytes: number,
): Promise<{ make: MakeEpisode; putBack: (sentDirectory: string) => Promise<void> }> {
  const payload = join(directory, PAYLOAD_FILE);
  await writePayload(payload, sizeBytes);
  return {
    make: async (episodeDirectory, episodeId) => {
      await mkdir(episodeDirectory);
      await writeFile(join(episodeDirectory, 'meta.json'), metaOf(episodeId));
      await rename(payload, join(episodeDirectory, PAYLOAD_FILE));
    },
    putBack: (sentDirectory) => rename(join(sentDirectory, PAYLOAD_FILE), payload),
  };
}

/**
 * Half of it random bytes, as a camera or a radio leaves them, half lines of a log, turn and turn about. It repeats after 32 MiB, which zstd at
 * level 3 looks back at no more than a sixteenth of.
 */
async function writePayload(path: string, sizeBytes: number): Promise<void> {
  const pieces: Buffer[] = [];
  for (let bytes = 0; bytes < POOL_BYTES; bytes += 2 * PIECE_BYTES) {
    let lines = '';
    while (lines.length < PIECE_BYTES) lines += counters();
    pieces.push(randomBytes(PIECE_BYTES), Buffer.from(lines.slice(0, PIECE_BYTES)));
  }
  const pool = Buffer.concat(pieces);
  const file = await open(path, 'w');
  try {
    for (let written = 0; written < sizeBytes; written += pool.byteLength) {
      await file.writeFile(pool.subarray(0, Math.min(pool.byteLength, sizeBytes - written)));
    }
  } finally {
    await file.close();
  }
}

/** Counters as /proc has them: most of each line is as in the one before. */
function counters(): string {
  let table = `monotonic_s${',value'.repeat(COUNTERS)}\n`;
  const values = Array.from({ length: COUNTERS }, () => randomInt(1_000_000_000));
  for (let sample = 0; sample < SAMPLES_PER_EPISODE; sample += 1) {
    table += `${sample}.0,${values.join(',')}\n`;
    for (let counter = 0; counter < COUNTERS; counter += 1)
      values[counter] = (values[counter] ?? 0) + randomInt(10_000);
  }
  return table;
}

function metaOf(episodeId: string): string {
  const meta = {
    episode_id: episodeId,
    host_id: HOST_ID,
    schema_version: SCHEMA_VERSION,
    workload: 'telemetry',
    started_at_wall: '2026-05-01T06:37:53.830599+00:00',
    ended_at_wall: '2026-05-01T06:38:53.830599+00:00',
    duration_s: 60,
    exit: { code: 0, signal: null, timed_out: false },
    code_version: { commit: COMMIT, dirty: false, stamped_at_wall: '2026-05-01T00:00:00.000000+00:00' },
    files: [],
  };
  return `${JSON.stringify(meta, null, 2)}\n`;
}
