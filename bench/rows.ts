// The rows of the table, by the names that --only knows, in their order.

import { BACKLOG_EPISODES, measureDrain } from './drain.ts';
import { measureTick, QUICK_TICK_ROWS, TICK_ROWS } from './fleet-health-tick.ts';
import { measureViews, QUICK_VIEWS_SIZE, VIEWS_SIZE } from './fleet-views.ts';
import { IDLE_EPISODES, measureIdle } from './idle.ts';
import { largeEpisodeBytes, measurePack, requireRoom } from './pack.ts';
import { measurePeakMemory } from './peak-memory.ts';
import { type Run, runWorkload } from './run-workload.ts';
import type { RowResult } from './table.ts';
import { shrink, WORKLOADS } from './workloads.ts';

export interface RowOptions {
  /** Keeps the shape and shrinks the work, so that a run proves the bench and measures nothing. */
  quick: boolean;
  /** The backlog of `drain`, in place of its own. */
  episodes: number | undefined;
}

export interface Row {
  name: string;
  /** When nobody says how many: fewer where a round takes minutes. */
  rounds: number;
  /** Throws when it could not be measured here, before the first row is. */
  check?: (directory: string, options: RowOptions) => Promise<void>;
  measure(run: Run, options: RowOptions): Promise<RowResult>;
}

const ROUNDS = 5;
const ROUNDS_OF_MINUTES = 3;
const QUICK_EPISODES = 24;

const ROWS: readonly Row[] = [
  ...WORKLOADS.map(
    (workload): Row => ({
      name: workload.name,
      rounds: ROUNDS,
      measure: (run, { quick }) => runWorkload(run, quick ? shrink(workload) : workload),
    }),
  ),
  { name: 'memory', rounds: 1, measure: (run, { quick }) => measurePeakMemory(run, quick) },
  {
    name: 'drain',
    rounds: ROUNDS_OF_MINUTES,
    measure: (run, { quick, episodes }) => measureDrain(run, episodes ?? (quick ? QUICK_EPISODES : BACKLOG_EPISODES)),
  },
  {
    name: 'pack',
    rounds: ROUNDS_OF_MINUTES,
    check: (directory, { quick }) => requireRoom(directory, largeEpisodeBytes(quick)),
    measure: (run, { quick }) => measurePack(run, largeEpisodeBytes(quick)),
  },
  {
    name: 'idle',
    rounds: 1,
    measure: (run, { quick }) => measureIdle(run, quick ? QUICK_EPISODES : IDLE_EPISODES, quick),
  },
  {
    name: 'tick',
    rounds: ROUNDS_OF_MINUTES,
    measure: (run, { quick }) => measureTick(run, quick ? QUICK_TICK_ROWS : TICK_ROWS),
  },
  {
    name: 'views',
    rounds: ROUNDS,
    measure: (run, { quick }) => measureViews(run, quick ? QUICK_VIEWS_SIZE : VIEWS_SIZE),
  },
];

export const ROW_NAMES = ROWS.map(({ name }) => name);

/** `only`: names with commas between them; all rows without it. */
export function chooseRows(only: string | undefined): readonly Row[] {
  if (only === undefined) return ROWS;
  const wanted = new Set(only.split(','));
  const unknown = [...wanted].find((name) => !ROW_NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`there is no row ${unknown}; there are: ${ROW_NAMES.join(', ')}`);
  return ROWS.filter(({ name }) => wanted.has(name));
}
