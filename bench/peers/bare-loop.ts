// create, write, fsync, rename, directory fsync: with as many threads as the servers get connections, and nothing else.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Contender, Turn } from './contender.ts';

const PYTHON = '/usr/bin/python3';
const PROGRAM = fileURLToPath(new URL('bare_loop.py', import.meta.url));

export const bareLoop: Contender = {
  name: 'bare loop',
  missing: () => (spawnSync(PYTHON, ['-V']).status === 0 ? undefined : 'apt-get install python3'),
  start: async (directory) => ({
    take: (turn) => run(directory, turn),
    fileOf: ({ hostId, episodeId }) => join(directory, 'episodes', hostId, `${episodeId}.tar.zst`),
    stop: async () => undefined,
  }),
};

async function run(directory: string, { episodes, sizeBytes, atOnce }: Turn): Promise<number> {
  const child = spawn(PYTHON, [PROGRAM, directory, String(sizeBytes), String(atOnce)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(episodes.map(({ hostId, episodeId }) => `${hostId} ${episodeId}\n`).join(''));
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`the bare loop ended with ${child.exitCode}`);
  return Number(output);
}
