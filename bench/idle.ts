// The row `idle`: what a shipper takes that can do nothing but wait, as it does for hours while the receiver is away, with a queue behind it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { smallEpisodes } from './episode-content.ts';
import { cpuSecondsOf, residentMiBOf } from './measure-command.ts';
import { LAUNCHER } from './peers/cis490.ts';
import type { Run } from './run-workload.ts';
import { HOST_ID } from './senders/sender.ts';
import { formatLimit, type RowResult } from './table.ts';

export const IDLE_EPISODES = 10_000;

const MEMORY_LIMIT_MIB = 70;
const PROCESSOR_LIMIT_PERCENT = 0.5;
// Nobody serves the discard port: each connection is refused at once.
const NOBODY = 'http://127.0.0.1:9';

interface Idle {
  memoryMiB: number;
  processorPercent: number;
}

export async function measureIdle(run: Run, episodes: number, quick: boolean): Promise<RowResult> {
  const place = join(run.directory, 'idle');
  const waiting = join(place, 'data', 'episodes');
  await mkdir(waiting, { recursive: true });
  try {
    run.progress(`idle: writing ${episodes} episodes\n`);
    const make = smallEpisodes();
    for (let n = 0; n < episodes; n += 1) await make(join(waiting, `idle-${n}`), `idle-${n}`);
    const config = join(place, 'lab-host.toml');
    const text = `host_id = "${HOST_ID}"\n[paths]\ndata_dir = "data"\n[receiver]\nurl = "${NOBODY}"\n[shipper]\nmin_free = "64 MiB"\n`;
    await writeFile(config, text);
    const rounds: Idle[] = [];
    for (let round = 0; round < run.rounds; round += 1) {
      const idle = await watchIdle(run, {
        place,
        config,
        settleMs: quick ? 2_000 : 30_000,
        spanMs: quick ? 3_000 : 60_000,
      });
      run.progress(`idle: ${idle.memoryMiB.toFixed(0)} MiB, ${idle.processorPercent.toFixed(2)} % of a core\n`);
      rounds.push(idle);
    }
    const title = `with ${episodes.toLocaleString('en')} episodes waiting, the receiver away, rounds: ${run.rounds}`;
    const memory = rounds.map(({ memoryMiB }) => memoryMiB);
    const processor = rounds.map(({ processorPercent }) => processorPercent);
    return {
      lines: [
        formatLimit(`idle shipper's memory ${title}`, memory, MEMORY_LIMIT_MIB, 'MiB'),
        formatLimit(`of a core in it`, processor, PROCESSOR_LIMIT_PERCENT, '%', 2),
      ],
      missing: [],
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** After it has settled, over one span, by what the kernel counted. */
async function watchIdle(
  { stop }: Run,
  { place, config, settleMs, spanMs }: { place: string; config: string; settleMs: number; spanMs: number },
): Promise<Idle> {
  const log = openSync(join(place, 'log'), 'a');
  const child = spawn(LAUNCHER, ['shipper', '--config', config], { cwd: place, stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = once(child, 'close');
  try {
    await delay(settleMs, undefined, { signal: stop });
    const beforeS = cpuSecondsOf(child.pid);
    const beganAt = process.hrtime.bigint();
    await delay(spanMs, undefined, { signal: stop });
    const spanS = Number(process.hrtime.bigint() - beganAt) / 1e9;
    const processorPercent = ((cpuSecondsOf(child.pid) - beforeS) / spanS) * 100;
    const memoryMiB = residentMiBOf(child.pid);
    if (child.exitCode !== null || memoryMiB === 0)
      throw new Error(`the shipper ended by itself: ${join(place, 'log')}`);
    return { memoryMiB, processorPercent };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
