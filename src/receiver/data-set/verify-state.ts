// verify-state.json at the root of the store: how far a verification has come, so that one that was ended goes on from there.

import { join } from 'node:path';
import { z } from 'zod';
import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { STORE_PROBLEM_KINDS, type StoreProblem } from './store-problem.ts';

// More of them would make each saving slow; beyond that they are counted.
const MOST_PROBLEMS = 10_000;

const problemSchema = z.object({
  kind: z.enum(STORE_PROBLEM_KINDS),
  path: z.string(),
  detail: z.string(),
  key: z.object({ hostId: z.string(), episodeId: z.string() }).optional(),
}) satisfies z.ZodType<StoreProblem>;

const verifyStateSchema = z.object({
  /** Which ledger it was: see `LedgerReader.identity`. Null for an empty one. */
  ledger: z.string().nullable(),
  started_at_wall: z.string(),
  /** Null while it is not done. */
  finished_at_wall: z.string().nullable(),
  /** All rows up to this one have been verified. */
  last_seq: z.int().nonnegative(),
  /** Of that row, as it was: a ledger that was cut, and has grown again, has another there. Null before the first one. */
  last_entry_sha256: z.string().nullable(),
  /** All lines up to this one have been looked at, those behind that row too that are none. */
  last_line: z.int().nonnegative(),
  episodes: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** While it is not done, of these lines alone: what lies beside the ledger is looked for in one go. */
  problem_count: z.int().nonnegative(),
  problems: z.array(problemSchema),
});
export type VerifyState = z.infer<typeof verifyStateSchema>;

export class VerifyStateFile {
  readonly #path: string;

  constructor(root: string) {
    this.#path = join(root, 'verify-state.json');
  }

  /** Undefined when there is none that can be used: nothing is lost but time. */
  async load(): Promise<VerifyState | undefined> {
    const text = await readIfThere(this.#path);
    return text === undefined ? undefined : verifyStateSchema.safeParse(parseJson(text)).data;
  }

  /** Throws the system's error. */
  async save(state: VerifyState): Promise<void> {
    await writeFileDurably(this.#path, toJsonFile(state));
  }
}

export function beginState(ledger: string | undefined, nowWall: string): VerifyState {
  return {
    ledger: ledger ?? null,
    started_at_wall: nowWall,
    finished_at_wall: null,
    last_seq: 0,
    last_entry_sha256: null,
    last_line: 0,
    episodes: 0,
    bytes: 0,
    problem_count: 0,
    problems: [],
  };
}

/** The problems of a state. Of those that are kept each is there once; of the rest each line of the ledger is looked at once. */
export class ProblemList {
  readonly #state: VerifyState;
  readonly #kept: Set<string>;

  constructor(state: VerifyState) {
    this.#state = state;
    this.#kept = new Set(state.problems.map(keyOf));
  }

  /** False when it is in the list already. */
  add(problem: StoreProblem): boolean {
    const key = keyOf(problem);
    if (this.#kept.has(key)) return false;
    this.#state.problem_count += 1;
    if (this.#state.problems.length < MOST_PROBLEMS) {
      this.#state.problems.push(problem);
      this.#kept.add(key);
    }
    return true;
  }
}

function keyOf({ kind, path }: StoreProblem): string {
  return `${kind} ${path}`;
}
