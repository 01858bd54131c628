// A fleet of thousands of simulated hosts against one real receiver, over real sockets; then what the monitor and the views take of it.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readProcessFacts } from '../../test/soak/process-facts.ts';
import { readProcessCost } from '../../test/support/process-cost.ts';
import { COMMIT } from '../load-process.ts';
import { measureCommand } from '../measure-command.ts';
import { LAUNCHER, readLedger, startReceiver } from '../peers/cis490.ts';
import { runHosts } from './host-processes.ts';
import { measureViews, type ViewLatency } from './measure-views.ts';
import type { Percentiles } from './percentiles.ts';
import { type ReceiverCounts, readReceiverCounts } from './receiver-counts.ts';
import type { Kind, Periods } from './schedule.ts';

export interface SimulationOptions {
  /** On the disk that is measured; emptied by whoever made it. */
  directory: string;
  hosts: number;
  seconds: number;
  /** How many times as often as a real host each does everything. */
  speed: number;
  seed: number;
  processes: number;
  periods: Periods;
  stop: AbortSignal;
  onProgress: (line: string) => void;
}

export interface SimulationResult {
  latencyMs: Record<Kind, Percentiles>;
  /** How late the load itself was: when this is large, so are the latencies, and the receiver is not to blame. */
  latenessMs: Percentiles;
  answers: Record<string, number>;
  failures: Record<string, number>;
  stored: number;
  /** How many rows the ledger has, each of another episode. */
  rows: number;
  receiver: {
    peakMiB: number;
    cpuS: number;
    cores: number;
    fsyncs: Record<string, number>;
    mostDescriptors: number;
    connectionLimit: number;
  };
  /** Of the whole machine: connections that came while the queue of those to be accepted was full. */
  listenOverflows: number;
  /** The first run reads the whole ledger; the second what is new. */
  tick: { first: { seconds: number; peakMiB: number }; second: { seconds: number; peakMiB: number } };
  views: ViewLatency[];
}

const STALE_COMMIT = 'e'.repeat(40);
const LOOK_EVERY_MS = 1_000;

/** Rejects when `stop` aborts, or when the ledger does not have exactly what was answered 201. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { directory, hosts, seconds, stop, onProgress } = options;
  const place = join(directory, 'receiver');
  await mkdir(join(place, 'store'), { recursive: true });
  const receiver = await startReceiver(place);
  try {
    const before = await readReceiverCounts(receiver.port);
    const costBefore = readProcessCost(receiver.pid);
    const beganMs = performance.now();
    const looking = new AbortController();
    const looked = watchDescriptors(receiver.pid, looking.signal, (open) => {
      const atS = Math.round((performance.now() - beganMs) / 1000);
      onProgress(`${atS} of ${seconds} s: the receiver has ${open} files and connections open`);
    });
    const { seed, processes, periods, speed } = options;
    const work = {
      port: receiver.port,
      hosts,
      processes,
      periods,
      seconds,
      speed,
      seed,
      commit: COMMIT,
      staleCommit: STALE_COMMIT,
    };
    const load = await runHosts(work, stop).finally(() => looking.abort());
    const mostDescriptors = await looked;
    const tookS = (performance.now() - beganMs) / 1000;
    const cost = readProcessCost(receiver.pid);
    const after = await readReceiverCounts(receiver.port);
    onProgress(`${load.stored.size} episodes of ${hosts} hosts are stored; the ledger is compared`);
    const ledger = await readLedger(receiver.root);
    const rows = [...ledger.values()].reduce((sum, digests) => sum + digests.length, 0);
    if (rows !== ledger.size) throw new Error(`the ledger has ${rows} rows of ${ledger.size} episodes`);
    for (const [episode, sha256] of load.stored) {
      if (ledger.get(episode)?.[0] !== sha256)
        throw new Error(`${episode} was answered 201; the ledger has ${ledger.get(episode) ?? 'no row'}`);
    }
    const tick = async () =>
      await measureCommand(LAUNCHER, ['fleet-health', '--config', join(place, 'receiver.toml')], { directory, stop });
    onProgress('the monitor runs twice');
    const first = await tick();
    const second = await tick();
    onProgress('the views are asked for');
    const views = await measureViews(receiver.port, stop);
    const cpuS = cost.cpuS - costBefore.cpuS;
    return {
      ...load,
      stored: load.stored.size,
      rows,
      receiver: {
        peakMiB: cost.peakMiB,
        cpuS,
        cores: cpuS / tookS,
        fsyncs: differenceOf(before, after),
        mostDescriptors,
        connectionLimit: after.connectionLimit,
      },
      listenOverflows: after.listenOverflows - before.listenOverflows,
      tick: { first, second },
      views,
    };
  } finally {
    await receiver.stop();
  }
}

/**
 * Resolves, once `over` aborts, with the most that were ever open. Not by /metrics, which is as large as the fleet: asked for each second it
 * would be what is measured.
 */
async function watchDescriptors(pid: number, over: AbortSignal, tell: (open: number) => void): Promise<number> {
  let most = 0;
  while (!over.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    const open = readProcessFacts(pid)?.descriptors ?? 0;
    most = Math.max(most, open);
    tell(open);
  }
  return most;
}

function differenceOf(before: ReceiverCounts, after: ReceiverCounts): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after.fsyncs).map(([file, count]) => [file, count - (before.fsyncs[file] ?? 0)]),
  );
}
