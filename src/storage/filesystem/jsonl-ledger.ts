// The ledger on this backend: index.jsonl is the truth, state.db its view. Order of an append: row written → row fsynced →
// view updated → told. So nobody, reader or follower, hears of a row that a power cut could take back.

import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { type LedgerRow, ledgerRowSchema, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { AppendOutcome, Ledger, NewLedgerRow } from '../ledger.ts';
import { LEDGER_START, type LedgerPosition, type LedgerView } from '../sqlite/ledger-view.ts';
import type { StorageStep } from '../storage-step.ts';
import { syncFailed } from './disk-errors.ts';
import { LedgerFile, sha256Of } from './ledger-file.ts';

// One write and one fsync serve at most this many rows; the view takes as many in one short transaction.
const BATCH_ROWS = 512;
// A number above this in a row is nobody's count: going on from it would soon leave the integers that JSON readers agree on.
const MAX_SEQ = 2 ** 52;

interface WaitingAppend {
  row: NewLedgerRow;
  resolve: (outcome: AppendOutcome) => void;
  reject: (error: unknown) => void;
}

export interface JsonlLedgerOptions {
  path: string;
  view: LedgerView;
  logger: Logger;
  afterStep?: AfterStep<StorageStep>;
}

export class JsonlLedger implements Ledger {
  readonly #file: LedgerFile;
  readonly #view: LedgerView;
  readonly #logger: Logger;
  readonly #afterStep: AfterStep<StorageStep>;
  #catchingUp: Promise<void> | undefined;
  #position: LedgerPosition = LEDGER_START;
  /** The last row that `read` returns. The position's may be higher: a second row of an episode takes a seq and is never read. */
  #readableSeq = 0;
  #waiting: WaitingAppend[] = [];
  #appending: Promise<void> | undefined;
  #failure: unknown;
  #closing = false;
  #listeners = new Set<() => void>();

  private constructor(file: LedgerFile, options: JsonlLedgerOptions) {
    this.#file = file;
    this.#view = options.view;
    this.#logger = options.logger;
    this.#afterStep = options.afterStep ?? noStepObserver;
    this.#caughtUp().catch(() => undefined);
  }

  /** Repairs the ledger's end; the view is brought up to it in the background, and whatever needs it waits. */
  static async open(options: JsonlLedgerOptions): Promise<JsonlLedger> {
    const { file, repair } = await LedgerFile.open(options.path, options.afterStep);
    if (repair.kind === 'completed')
      options.logger.warn({ path: options.path }, 'ledger: added the missing last newline');
    if (repair.kind === 'set-aside') {
      options.logger.warn(
        { path: options.path, bytes: repair.sizeBytes, aside: repair.path },
        'ledger: set a torn last line aside',
      );
    }
    return new JsonlLedger(file, options);
  }

  append(row: NewLedgerRow): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#closing) throw new AppError('stopping', 'the ledger is closed');
      this.#waiting.push({ row, resolve, reject });
      this.#appending ??= this.#appendWaiting();
    });
  }

  async find(hostId: string, episodeId: string): Promise<SequencedRow | undefined> {
    await this.#caughtUp();
    return this.#view.find(hostId, episodeId);
  }

  async read(afterSeq: number, limit: number): Promise<SequencedRow[]> {
    await this.#caughtUp();
    return this.#view.read(afterSeq, limit);
  }

  async waitAfter(seq: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve, reject) => {
      const end = () => {
        this.#listeners.delete(look);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const look = () => {
        if (this.#readableSeq > seq) end();
      };
      this.#listeners.add(look);
      signal.addEventListener('abort', end);
      this.#caughtUp().then(look, (error: unknown) => {
        reject(error);
        end();
      });
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#catchingUp?.catch(() => undefined);
    await this.#appending;
    await this.#file.close();
  }

  async #appendWaiting(): Promise<void> {
    // Lets all who came in this turn of the event loop share the first write.
    await yieldToOthers();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_ROWS);
      try {
        await this.#caughtUp();
        if (this.#failure !== undefined) throw this.#failure;
        for (const settle of await this.#appendBatch(batch)) settle();
      } catch (error) {
        // The rows may be in the ledger and not in the view: it reads them from there before the next batch.
        if (isDiskFull(error)) this.#catchingUp = undefined;
        for (const { reject } of batch) reject(error);
      }
    }
    // In the same turn as the last look at the queue: who hears of a row and appends at once begins a new round.
    this.#appending = undefined;
  }

  /** Returns what to tell each of them, now that all of it is durable and in the view. */
  async #appendBatch(batch: readonly WaitingAppend[]): Promise<(() => void)[]> {
    const added = new Map<string, SequencedRow>();
    const settles = batch.map(({ row, resolve }) => {
      const key = `${row.host_id}/${row.episode_id}`;
      const existing = added.get(key) ?? this.#view.find(row.host_id, row.episode_id);
      if (existing) {
        const kind = existing.sha256 === row.sha256 ? 'duplicate' : 'conflict';
        return () => resolve({ kind, row: existing });
      }
      const appended: SequencedRow = { ...row, seq: this.#position.lastSeq + added.size + 1 };
      added.set(key, appended);
      return () => resolve({ kind: 'appended', row: appended });
    });
    if (added.size > 0) await this.#writeRows([...added.values()]);
    return settles;
  }

  async #writeRows(rows: SequencedRow[]): Promise<void> {
    const lines = rows.map((row) => JSON.stringify(row));
    try {
      await this.#file.append(`${lines.join('\n')}\n`);
    } catch (error) {
      if (isDiskFull(error)) throw error;
      this.#failure = error instanceof AppError ? error : syncFailed(this.#file.path, error);
      throw this.#failure;
    }
    this.#advance(rows, {
      offsetBytes: this.#file.lengthBytes,
      lines: this.#position.lines + rows.length,
      lastSeq: rows.at(-1)?.seq ?? this.#position.lastSeq,
      lastLineSha256: sha256Of(lines.at(-1) ?? ''),
    });
    this.#afterStep('view-updated');
    this.#wakeReaders(this.#position.lastSeq);
  }

  #wakeReaders(readableSeq: number): void {
    this.#readableSeq = readableSeq;
    for (const look of [...this.#listeners]) look();
  }

  #advance(rows: SequencedRow[], position: LedgerPosition): void {
    try {
      this.#view.insert(rows, position);
    } catch (error) {
      if (isDiskFull(error)) throw error;
      // The rows are durable, but without the view they cannot be told apart from new ones: the next start reads them again.
      this.#failure = new AppError('sync-failed', 'state.db could not take the rows that the ledger has', {
        hint: 'restart the receiver: it brings state.db up to the ledger again',
        cause: error,
      });
      throw this.#failure;
    }
    this.#position = position;
  }

  /** Resolves when the view has all that the ledger has. A catch-up that found the disk full is begun anew by the next caller. */
  #caughtUp(): Promise<void> {
    if (!this.#catchingUp) {
      const run = this.#catchUp();
      this.#catchingUp = run;
      run.catch((error: unknown) => {
        if (isDiskFull(error) && this.#catchingUp === run) this.#catchingUp = undefined;
      });
    }
    return this.#catchingUp;
  }

  async #catchUp(): Promise<void> {
    this.#position = this.#view.position();
    if (!(await this.#file.endsWithLine(this.#position.offsetBytes, this.#position.lastLineSha256))) {
      this.#logger.warn(
        { path: this.#file.path },
        'ledger: it was replaced or cut since state.db read it; reading it anew',
      );
      this.#view.clear();
      this.#position = LEDGER_START;
    }
    const from = this.#position;
    let badLines = 0;
    for await (const lines of this.#file.linesFrom(from.offsetBytes)) {
      for (let start = 0; start < lines.length; start += BATCH_ROWS) {
        if (this.#closing) throw new AppError('stopping', 'stopped while reading the ledger');
        const batch = lines.slice(start, start + BATCH_ROWS);
        let { lines: lineCount, lastSeq } = this.#position;
        const rows: SequencedRow[] = [];
        for (const { text } of batch) {
          lineCount += 1;
          const row = parseRow(text);
          if (!row) {
            if (text.trim() !== '') badLines += 1;
            continue;
          }
          // An older receiver's row counts by its line; whatever a hand wrote, seq rises in the order of the file.
          lastSeq = Math.max(seqOf(row) ?? lineCount, lastSeq + 1);
          rows.push({ ...row, seq: lastSeq });
        }
        const last = batch.at(-1);
        if (!last) continue;
        const offsetBytes = last.endOffsetBytes;
        this.#advance(rows, { offsetBytes, lines: lineCount, lastSeq, lastLineSha256: sha256Of(last.text) });
        await yieldToOthers();
      }
    }
    if (badLines > 0)
      this.#logger.warn({ path: this.#file.path, lines: badLines }, 'ledger: skipped lines that are no rows');
    const read = this.#position.lines - from.lines;
    if (read > 0) this.#logger.info({ lines: read, seq: this.#position.lastSeq }, 'ledger: state.db brought up to it');
    this.#wakeReaders(this.#view.lastSeq());
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof AppError && error.code === 'disk-full';
}

function seqOf({ seq }: LedgerRow): number | undefined {
  return seq !== undefined && seq <= MAX_SEQ ? seq : undefined;
}

function parseRow(line: string): LedgerRow | undefined {
  try {
    return ledgerRowSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
