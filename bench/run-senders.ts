// Rounds of a row whose contenders are whole senders: each starts with its own server, and takes its turn on episodes that are new to it.

import { execFileSync } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TestAuthority } from '../test/support/certificates.ts';
import type { Usage } from './measure-command.ts';
import type { Run } from './run-workload.ts';
import { HOST_ID, type MakeEpisode, type RunningSender, type Sender } from './senders/sender.ts';
import type { Measured } from './table.ts';

export interface Sending {
  name: string;
  senders: readonly Sender[];
  /** In one turn. */
  episodes: number;
  /** In the turn that is not counted. */
  warmUpEpisodes: number;
  make: MakeEpisode;
  /** What is to be cleared away after a turn, on nobody's time. */
  clear?: (running: RunningSender, episodeIds: readonly string[]) => Promise<void>;
  /** How progress tells of one turn. */
  describe(usage: Usage, episodes: number): string;
}

/** One turn of a sender, and the bytes that its server then had. */
export interface Sent extends Usage {
  storedMiB: number;
}

export interface TurnsOf {
  sender: Sender;
  turns: Sent[];
}

export async function runSenders(run: Run, sending: Sending): Promise<TurnsOf[]> {
  const authority = TestAuthority.create(join(run.directory, `${sending.name}-ca`));
  const host = authority.issue({ subject: `/CN=${HOST_ID}` });
  const lab = { authority, host, server: authority.issueForServer() };
  const entrants: (TurnsOf & { running: RunningSender })[] = [];
  try {
    for (const sender of sending.senders.filter((each) => !each.missing())) {
      const directory = join(run.directory, `${sending.name}-${entrants.length}`);
      await mkdir(directory);
      entrants.push({ sender, running: await sender.start(directory, lab), turns: [] });
    }
    // Round 0 warms up code and caches and is not counted.
    for (let round = run.warmUp ? 0 : 1; round <= run.rounds; round += 1) {
      for (let place = 0; place < entrants.length; place += 1) {
        // Another one begins each round: none is always the first after a pause.
        const entrant = entrants[(place + round) % entrants.length];
        if (!entrant) continue;
        const episodes = round > 0 ? sending.episodes : sending.warmUpEpisodes;
        const sent = await takeTurn(run, sending, entrant.running, idsOf(round, episodes));
        if (round > 0) entrant.turns.push(sent);
        const note = round > 0 ? `round ${round}` : 'warm-up';
        run.progress(`${sending.name}, ${note}: ${entrant.sender.name}: ${sending.describe(sent, episodes)}\n`);
      }
    }
  } finally {
    for (const { running } of entrants) await running.stop();
  }
  return entrants.map(({ sender, turns }) => ({ sender, turns }));
}

/** One figure of each turn of `sender`; or why there is none. */
export function figuresOf(all: readonly TurnsOf[], sender: Sender, figure: (sent: Sent) => number): Measured {
  const { name } = sender;
  const install = sender.missing();
  if (install) return { kind: 'missing', name, install };
  const turns = all.find((each) => each.sender === sender)?.turns ?? [];
  return { kind: 'figures', name, figures: turns.map(figure) };
}

async function takeTurn(
  { directory, stop }: Run,
  { make, clear }: Sending,
  running: RunningSender,
  episodeIds: readonly string[],
): Promise<Sent> {
  stop.throwIfAborted();
  await running.lay(episodeIds, make);
  // What earlier turns left in memory must not be written on this one's time.
  execFileSync('sync', ['--file-system', directory]);
  const usage = await running.send(stop);
  await running.verify(episodeIds);
  const storedMiB = await sizeMiB(episodeIds.map(running.storedFile));
  await clear?.(running, episodeIds);
  return { ...usage, storedMiB };
}

async function sizeMiB(paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) bytes += (await stat(path)).size;
  return bytes / 2 ** 20;
}

function idsOf(round: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `bench-${round}-${String(index).padStart(5, '0')}`);
}
