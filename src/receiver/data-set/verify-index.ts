// What is stored against the ledger, beside a running receiver: each file is there, of its size and the bytes that were stored, and
// there is none without a row. Changes nothing but its own note of how far it has come.

import { createHash } from 'node:crypto';
import { messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { RateLimit } from '../../lib/rate-limit.ts';
import { isTombstone, type LedgerEntry } from '../../protocol/ledger-row.ts';
import type { BlobReader } from '../../storage/blob-store.ts';
import type { LedgerItem, LedgerReader } from '../../storage/ledger-reader.ts';
import { checkRow } from './check-row.ts';
import { findUnlisted } from './find-unlisted.ts';
import { confirmSuspects, keyOf, type LedgerSurvey, type Suspect, surveyLedger } from './scan-ledger.ts';
import type { StoreProblem } from './store-problem.ts';
import { beginState, ProblemList, type VerifyState, type VerifyStateFile } from './verify-state.ts';
import type { WorkProgress } from './work-progress.ts';

const SAVE_EVERY_MS = 5_000;
// Each confirmation of suspects reads the ledger once.
const MOST_SUSPECTS = 10_000;

export interface VerifyIndexOptions {
  blobs: BlobReader;
  ledger: LedgerReader;
  stateFile: VerifyStateFile;
  /** Begin anew whatever an earlier run has done. */
  restart: boolean;
  rateLimit: RateLimit;
  progress: WorkProgress;
  onProblem: (problem: StoreProblem) => void;
  stop: AbortSignal;
  clock: Clock;
  logger: Logger;
}

export interface VerifyOutcome {
  kind: 'whole' | 'damaged' | 'interrupted';
  state: VerifyState;
}

export async function verifyIndex(options: VerifyIndexOptions): Promise<VerifyOutcome> {
  return await new Verification(options, await surveyLedger(options.ledger)).run();
}

class Verification {
  readonly #options: VerifyIndexOptions;
  readonly #survey: LedgerSurvey;
  #state: VerifyState = beginState(undefined, '');
  #problems = new ProblemList(this.#state);
  /** Problems of rows that the ledger may have taken back meanwhile, with the seq of the row. */
  readonly #suspects = new Map<string, Suspect>();
  #savedAtMs = 0;
  #cannotSave = false;
  #hashedOfRow = 0;

  constructor(options: VerifyIndexOptions, survey: LedgerSurvey) {
    this.#options = options;
    this.#survey = survey;
  }

  async run(): Promise<VerifyOutcome> {
    const { ledger, stop, clock, blobs } = this.#options;
    await this.#begin();
    for await (const item of ledger.read(this.#state.last_seq)) {
      if (stop.aborted || !(await this.#checkItem(item))) break;
      if (this.#suspects.size >= MOST_SUSPECTS) await this.#save();
      await this.#pulse();
    }
    await this.#save();
    if (stop.aborted) return { kind: 'interrupted', state: this.#state };
    for await (const found of findUnlisted({ blobs, ledger, clock, signal: stop })) {
      if (found.kind === 'foreign') {
        this.#tell({ kind: 'foreign', path: found.path, detail: 'no receiver has put this here' });
        continue;
      }
      const detail = found.kind === 'unlisted' ? 'the ledger has no row of it' : 'it was retracted, its file is left';
      this.#tell({ kind: found.kind, path: blobs.pathInRow(found.key), detail, key: found.key });
    }
    if (stop.aborted) return { kind: 'interrupted', state: this.#state };
    this.#state.finished_at_wall = clock.wallTime();
    await this.#save();
    return { kind: this.#state.problem_count > 0 ? 'damaged' : 'whole', state: this.#state };
  }

  /** Goes on where an earlier run of the same ledger was ended. */
  async #begin(): Promise<void> {
    const { ledger, stateFile, restart, onProblem, clock, logger } = this.#options;
    const identity = await ledger.identity();
    const earlier = restart ? undefined : await stateFile.load();
    const goesOn =
      earlier?.finished_at_wall === null &&
      earlier.ledger === (identity ?? null) &&
      (await this.#isStillThere(earlier));
    this.#state = goesOn ? earlier : beginState(identity, clock.wallTime());
    this.#problems = new ProblemList(this.#state);
    if (goesOn) {
      const { last_seq: seq, episodes, problem_count: problems } = this.#state;
      logger.info({ seq, episodes, problems }, 'verification goes on where it was ended');
      for (const problem of this.#state.problems) onProblem(problem);
    }
    await this.#save();
  }

  /** Whether the last row that was verified is the same as it was then. */
  async #isStillThere({ last_seq, last_entry_sha256 }: VerifyState): Promise<boolean> {
    if (last_seq === 0) return true;
    for await (const item of this.#options.ledger.read(last_seq - 1)) {
      if (item.kind === 'entry') return item.entry.seq === last_seq && digestOf(item.entry) === last_entry_sha256;
    }
    return false;
  }

  /** False when it was told to stop in the middle of it. */
  async #checkItem(item: LedgerItem): Promise<boolean> {
    if (item.kind === 'bad-line') {
      // Those behind the last row that was verified are met again.
      if (item.line <= this.#state.last_line) return true;
      this.#tell({ kind: 'bad-line', path: `index.jsonl:${item.line}`, detail: 'neither a row nor a tombstone' });
      this.#state.last_line = item.line;
      return true;
    }
    const { entry, line } = item;
    if (isTombstone(entry)) this.#survey.retracted.add(keyOf(entry));
    else if (!this.#survey.retracted.has(keyOf(entry))) {
      const { blobs, rateLimit, stop } = this.#options;
      this.#hashedOfRow = 0;
      const onHashed = async (bytes: number) => {
        this.#hashedOfRow += bytes;
        await this.#pulse();
        await rateLimit.used(bytes, stop, () => this.#pulse());
      };
      const problem = await checkRow(entry, line, { blobs, onHashed, signal: stop });
      if (problem === 'aborted') return false;
      // Of two rows of an episode the first stands.
      if (problem && !this.#suspects.has(keyOf(entry))) this.#suspects.set(keyOf(entry), { problem, seq: entry.seq });
      this.#state.episodes += 1;
      this.#state.bytes += this.#hashedOfRow;
      this.#hashedOfRow = 0;
    }
    this.#state.last_seq = entry.seq;
    this.#state.last_entry_sha256 = digestOf(entry);
    this.#state.last_line = line;
    return true;
  }

  /** Draws, and saves when it is time to, also while one large file is being hashed. */
  async #pulse(): Promise<void> {
    const { progress, clock } = this.#options;
    progress.update({
      what: 'episodes',
      done: this.#state.episodes,
      // Rows may have come since it was counted.
      total: Math.max(this.#survey.episodes, this.#state.episodes),
      bytes: { done: this.#state.bytes + this.#hashedOfRow, total: this.#survey.bytes },
    });
    if (clock.monotonicMs() - this.#savedAtMs >= SAVE_EVERY_MS) await this.#save();
  }

  async #save(): Promise<void> {
    await this.#confirmSuspects();
    const { stateFile, clock, logger } = this.#options;
    try {
      await stateFile.save(this.#state);
    } catch (error) {
      if (!this.#cannotSave) {
        logger.warn(
          { reason: messageOf(error) },
          'how far it has come cannot be saved: if it is ended, it begins anew',
        );
      }
      this.#cannotSave = true;
    }
    this.#savedAtMs = clock.monotonicMs();
  }

  async #confirmSuspects(): Promise<void> {
    const suspects = new Map(this.#suspects);
    this.#suspects.clear();
    for (const problem of await confirmSuspects(this.#options.ledger, suspects)) this.#tell(problem);
  }

  #tell(problem: StoreProblem): void {
    if (this.#problems.add(problem)) this.#options.onProblem(problem);
  }
}

function digestOf(entry: LedgerEntry): string {
  return createHash('sha256').update(JSON.stringify(entry)).digest('hex');
}
