// One row: all contenders start, warm up, and take turns in each round; what they stored is verified before the next one's turn.

import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Episode } from './load.ts';
import type { LoadProcess } from './load-process.ts';
import { bareLoop } from './peers/bare-loop.ts';
import { cis490, cis490WithoutGate, sha256OfFile } from './peers/cis490.ts';
import type { Contender, RunningContender } from './peers/contender.ts';
import { nginx } from './peers/nginx.ts';
import { starletteWithFsync, starletteWithoutFsync } from './peers/starlette.ts';
import { type Measured, type RowResult, resultOf } from './table.ts';
import { type PeerName, titleOf, type Workload } from './workloads.ts';

const PEERS: Record<PeerName, Contender> = {
  nginx,
  'starlette-fsync': starletteWithFsync,
  starlette: starletteWithoutFsync,
  'bare-loop': bareLoop,
  'gate-off': cis490WithoutGate,
};
const SAMPLES = 8;
const MAX_BODIES_BYTES = 256 * 1024 * 1024;
const DELETE_AT_BYTES = 1024 * 1024;
const STORED = 201;
const DUPLICATE = 200;

export interface Run {
  directory: string;
  rounds: number;
  warmUp: boolean;
  load: LoadProcess;
  /** Aborts when the bench is told to end. */
  stop: AbortSignal;
  progress: (text: string) => void;
}

interface Entrant {
  contender: Contender;
  running: RunningContender;
  rates: number[];
}

export async function runWorkload(run: Run, workload: Workload): Promise<RowResult> {
  const entrants: Entrant[] = [];
  const present = [cis490, ...workload.targets.map(({ peer }) => PEERS[peer])].filter((each) => !each.missing());
  try {
    for (const contender of present) {
      const directory = join(run.directory, `${workload.name}-${entrants.length}`);
      await mkdir(directory);
      entrants.push({ contender, running: await contender.start(directory), rates: [] });
    }
    const bodyCount = Math.min(
      workload.puts,
      Math.max(workload.atOnce, Math.floor(MAX_BODIES_BYTES / workload.sizeBytes)),
    );
    const sha256s = await run.load.prepare(workload.sizeBytes, bodyCount);
    // Round 0 warms up code and caches and is not counted.
    for (let round = run.warmUp ? 0 : 1; round <= run.rounds; round += 1) {
      for (let place = 0; place < entrants.length; place += 1) {
        // Another one begins each round: none is always the first after a pause.
        const entrant = entrants[(place + round) % entrants.length];
        if (!entrant) continue;
        const rate = await takeTurn(run, workload, entrant, round, sha256s);
        if (round > 0) entrant.rates.push(rate);
        const note = round > 0 ? `round ${round}` : 'warm-up';
        run.progress(`${workload.name}, ${note}: ${entrant.contender.name} ${rate.toFixed(0)} ${workload.unit}\n`);
      }
    }
  } finally {
    for (const { running } of entrants) await running.stop();
  }
  const ours = entrants.find(({ contender }) => contender === cis490)?.rates ?? [];
  return resultOf({
    title: titleOf(workload),
    unit: workload.unit,
    digits: 0,
    ours,
    peers: workload.targets.map(({ peer, atLeast }) => ({
      measured: measured(PEERS[peer], entrants),
      target: atLeast === undefined ? undefined : { atLeast },
    })),
  });
}

async function takeTurn(
  { load, directory, stop }: Run,
  workload: Workload,
  { contender, running }: Entrant,
  round: number,
  sha256s: readonly string[],
): Promise<number> {
  stop.throwIfAborted();
  const { atOnce, puts, sizeBytes } = workload;
  const episodes = Array.from({ length: puts }, (_, index) => ({
    hostId: `lab-${index % atOnce}`,
    episodeId: `bench-${round}-${index}`,
    body: index % sha256s.length,
  }));
  const isRePut = workload.does === 're-put' && contender === cis490;
  // What earlier turns left in memory must not be written on this one's time.
  execFileSync('sync', ['--file-system', directory]);
  if (isRePut) await running.take({ load, episodes, sizeBytes, atOnce, expectedStatus: STORED });
  const seconds = await running.take({
    load,
    episodes,
    sizeBytes,
    atOnce,
    expectedStatus: isRePut ? DUPLICATE : STORED,
  });
  await verify(running, contender, episodes, sha256s);
  if (isRePut) await verifyExpect(load, running, episodes);
  // Small ones stay until the end: for minutes, ext4 without a journal skips each lately deleted inode at every creation.
  if (sizeBytes >= DELETE_AT_BYTES) for (const episode of episodes) await rm(running.fileOf(episode));
  return workload.unit === 'PUT/s' ? puts / seconds : (puts * sizeBytes) / 2 ** 20 / seconds;
}

async function verify(
  running: RunningContender,
  contender: Contender,
  episodes: readonly Episode[],
  sha256s: readonly string[],
): Promise<void> {
  // The bare loop has a content of its own and no digest to hold it to.
  if (contender === bareLoop) return;
  const step = Math.max(1, Math.floor(episodes.length / SAMPLES));
  for (const episode of episodes.filter((_, index) => index % step === 0)) {
    const path = running.fileOf(episode);
    if ((await sha256OfFile(path)) !== sha256s[episode.body]) throw new Error(`${contender.name} damaged ${path}`);
  }
  await running.verify?.(episodes, sha256s);
}

/** A stored episode that is announced with `Expect: 100-continue` is answered without its body. */
async function verifyExpect(load: LoadProcess, { port }: RunningContender, [episode]: Episode[]): Promise<void> {
  if (port === undefined || !episode) return;
  const { status, bodyWasAskedFor } = await load.putWithExpect(port, episode);
  if (status !== DUPLICATE || bodyWasAskedFor) {
    throw new Error(`a re-PUT with Expect was answered ${status}, its body ${bodyWasAskedFor ? '' : 'not '}asked for`);
  }
}

function measured(contender: Contender, entrants: readonly Entrant[]): Measured {
  const { name } = contender;
  const install = contender.missing();
  if (install) return { kind: 'missing', name, install };
  return { kind: 'figures', name, figures: entrants.find((entrant) => entrant.contender === contender)?.rates ?? [] };
}
