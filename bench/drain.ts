// The row `drain`: a backlog of small episodes, as it waits after the receiver was away, from the first program's start to its end.

import { smallEpisodes } from './episode-content.ts';
import { figuresOf, runSenders } from './run-senders.ts';
import type { Run } from './run-workload.ts';
import { rclone } from './senders/rclone.ts';
import { shellLoop } from './senders/scripts.ts';
import { shipper } from './senders/shipper.ts';
import { type RowResult, resultOf } from './table.ts';

export const BACKLOG_EPISODES = 4465;

const WARM_UP_EPISODES = 64;
const PEERS = [
  { sender: shellLoop, target: { atLeast: 5 } },
  { sender: rclone, target: undefined },
];

export async function measureDrain(run: Run, episodes: number): Promise<RowResult> {
  const turns = await runSenders(run, {
    name: 'drain',
    senders: [shipper, ...PEERS.map(({ sender }) => sender)],
    episodes,
    warmUpEpisodes: Math.min(WARM_UP_EPISODES, episodes),
    make: smallEpisodes(),
    describe: ({ seconds, cpuSeconds, peakMiB }, count) =>
      `${(count / seconds).toFixed(1)} episodes/s, ${seconds.toFixed(1)} s, of a processor ${cpuSeconds.toFixed(1)} s, ${peakMiB.toFixed(0)} MiB`,
  });
  const ours = figuresOf(turns, shipper, ({ seconds }) => episodes / seconds);
  return resultOf({
    title: `drain a backlog of ${episodes.toLocaleString('en')} small episodes, TLS, rounds: ${run.rounds}`,
    unit: 'episodes/s',
    digits: 0,
    ours: ours.kind === 'figures' ? ours.figures : [],
    peers: PEERS.map(({ sender, target }) => ({
      measured: figuresOf(turns, sender, ({ seconds }) => episodes / seconds),
      target,
    })),
  });
}
