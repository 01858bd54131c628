// Jobs of a workload that this host does not run wait where they are: neither a mistake in the configuration nor a queue that hosts
// share throws a job away. Each such workload is told once, and again only under another configuration, or when its jobs had gone.

import { distance } from 'fastest-levenshtein';
import type { Logger } from '../../lib/logger.ts';

export class UnknownWorkloads {
  readonly #logger: Logger;
  /** Workload → the names that were known when it was told. */
  #told = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `waiting`: workload → the file names of its jobs, as one look at the queue found them. */
  tell(waiting: ReadonlyMap<string, readonly string[]>, known: ReadonlySet<string>): void {
    const names = [...known];
    const told = new Map<string, string>();
    for (const [workload, jobs] of waiting) {
      const before = this.#told.get(workload);
      told.set(workload, names.join(' '));
      if (before === names.join(' ')) continue;
      const nearest = nearestName(workload, names);
      const meant = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
      const hint = `name one of the known workloads in the job${meant}, or add [[orchestrator.workload]] ${workload} with queue = true, then: systemctl reload cis490-orchestrator`;
      this.#logger.warn(
        { workload, jobs: jobs.length, first: jobs[0], known: names, nearest, hint },
        'jobs wait in the queue: no workload of that name has queue = true here',
      );
    }
    this.#told = told;
  }
}

/** Near enough to be meant: a slip in every other character (letters that changed places are two), whatever the case. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((other) => ({ other, slips: distance(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.slips - b.slips);
  const [best] = ranked;
  return best && best.slips <= Math.max(1, Math.floor(best.other.length / 2)) ? best.other : undefined;
}
