// What a command has changed in the queue, for people: a line for each, of thousands the first; or for programs: one JSON document with all.

import { inertLine } from '../../../lib/inert-text.ts';
import type { QueueTools } from './queue-tools.ts';
import type { ReturnAction } from './return-to-queue.ts';

// Of thousands a line each is no news any more; the history has them all.
const LINES_TOLD = 10;

/** `dryRun`: nothing is changed, only told. `json`: told as one JSON document. */
export interface ChangeOptions {
  dryRun: boolean;
  json: boolean;
}

type ChangeAction = ReturnAction | 'purged' | 'quarantined';

export interface Change {
  episode_id: string;
  /** Of its directory, where it was. */
  name: string;
  /** What was done to it, or would be; `stays` where it was; `gone`: somebody else moved it meanwhile. */
  outcome: ChangeAction | 'stays' | 'gone';
  /** Why it stays. */
  detail?: string | undefined;
}

export function tellEach<T>({ output }: QueueTools, items: readonly T[], describe: (item: T) => string): void {
  for (const item of items.slice(0, LINES_TOLD)) output.write(`${inertLine(describe(item))}\n`);
  const more = items.length - LINES_TOLD;
  if (more > 0) output.write(`… and ${more.toLocaleString('en')} more\n`);
}

export function tellAsJson(
  { output }: QueueTools,
  action: ChangeAction,
  { dryRun }: ChangeOptions,
  episodes: readonly Change[],
): void {
  output.write(`${JSON.stringify({ action, dry_run: dryRun, episodes }, null, 2)}\n`);
}
