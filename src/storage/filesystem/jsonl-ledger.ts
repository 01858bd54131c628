// The ledger on this backend: index.jsonl is the truth, state.db its view. Order of an append: row written → row fsynced →
// view updated → told. So nobody, reader or follower, hears of a row that a power cut could take back.

import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import type { LedgerEntry, SequencedRow } from '../../protocol/ledger-row.ts';
import type {
  AppendOutcome,
  CommitTally,
  FoundEpisode,
  Ledger,
  LedgerFilter,
  LedgerHost,
  LedgerPage,
  NewestPage,
  NewLedgerRow,
  NewTombstone,
  RetractOutcome,
  Tally,
  TallyQuestion,
} from '../ledger.ts';
import { LEDGER_START, type LedgerPosition, type LedgerView, type ViewPage } from '../sqlite/ledger-view.ts';
import type { StorageStep } from '../storage-step.ts';
import type { WatchSync } from '../watch-sync.ts';
import { syncFailed } from './disk-errors.ts';
import { type LedgerRequest, planBatch } from './ledger-batch.ts';
import { LedgerFile, sha256Of } from './ledger-file.ts';
import { sequenceLines } from './ledger-lines.ts';

// One write and one fsync serve at most this many entries.
const BATCH_ENTRIES = 512;
// The view takes them in short transactions of this many: the event loop turns after each.
const VIEW_ENTRIES = 64;
// A catch-up saves what it has inserted whenever it is this many: the fewer times, the fewer times each page of an index is written.
const SAVE_ENTRIES = 32_768;
// What one page may look at: so many slices of the view, with a turn of the event loop between them.
const LIST_SLICES = 8;

export interface LedgerReadProgress {
  lines: number;
  doneBytes: number;
  totalBytes: number;
}

export interface JsonlLedgerOptions {
  path: string;
  view: LedgerView;
  logger: Logger;
  afterStep?: AfterStep<StorageStep>;
  watchSync?: WatchSync;
  /** After each slice of a catch-up. */
  onLedgerRead?: (read: LedgerReadProgress) => void;
}

export class JsonlLedger implements Ledger {
  readonly #file: LedgerFile;
  readonly #view: LedgerView;
  readonly #logger: Logger;
  readonly #afterStep: AfterStep<StorageStep>;
  readonly #onRead: JsonlLedgerOptions['onLedgerRead'];
  #catchingUp: Promise<void> | undefined;
  #isCaughtUp = false;
  #position: LedgerPosition = LEDGER_START;
  /** The last entry that `read` returns. The position's may be higher: a second row of an episode takes a seq and is never read. */
  #readableSeq = 0;
  #waiting: LedgerRequest[] = [];
  #appending: Promise<void> | undefined;
  #failure: unknown;
  #closing = false;
  #listeners = new Set<() => void>();

  private constructor(file: LedgerFile, options: JsonlLedgerOptions) {
    this.#file = file;
    this.#view = options.view;
    this.#logger = options.logger;
    this.#afterStep = options.afterStep ?? noStepObserver;
    this.#onRead = options.onLedgerRead;
    this.#caughtUp().catch(() => undefined);
  }

  /** Repairs the ledger's end; the view is brought up to it in the background, and whatever needs it waits. */
  static async open(options: JsonlLedgerOptions): Promise<JsonlLedger> {
    const { file, repair } = await LedgerFile.open(options.path, options.afterStep, options.watchSync);
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
    return new Promise((resolve, reject) => this.#request({ kind: 'append', row, resolve, reject }));
  }

  retract(tombstone: NewTombstone): Promise<RetractOutcome> {
    return new Promise((resolve, reject) => this.#request({ kind: 'retract', tombstone, resolve, reject }));
  }

  async find(hostId: string, episodeId: string): Promise<FoundEpisode | undefined> {
    await this.#caughtUp();
    const { row, tombstone } = this.#view.lookUp(hostId, episodeId);
    if (tombstone) return { tombstone, ...(row && { row }) };
    return row && { row };
  }

  async read(afterSeq: number, limit: number): Promise<LedgerEntry[]> {
    await this.#caughtUp();
    return this.#view.read(afterSeq, limit);
  }

  async list(filter: LedgerFilter, afterSeq: number, limit: number): Promise<LedgerPage> {
    await this.#caughtUp();
    const { rows, nextSeq } = await this.#gather(this.#view.scan(filter), afterSeq, limit);
    return { rows, nextAfterSeq: nextSeq };
  }

  async newest(filter: LedgerFilter, beforeSeq: number | undefined, limit: number): Promise<NewestPage> {
    await this.#caughtUp();
    const from = beforeSeq ?? Number.MAX_SAFE_INTEGER;
    const { rows, nextSeq } = await this.#gather(this.#view.scanNewest(filter), from, limit);
    return { rows, nextBeforeSeq: nextSeq };
  }

  async tallies(question: TallyQuestion): Promise<Tally[]> {
    await this.#caughtUp();
    return this.#view.tallies(question);
  }

  async commitsOf(hostId: string): Promise<CommitTally[]> {
    await this.#caughtUp();
    return this.#view.commitsOf(hostId);
  }

  async hosts(): Promise<LedgerHost[]> {
    await this.#caughtUp();
    return this.#view.hosts();
  }

  isCaughtUp(): boolean {
    return this.#isCaughtUp;
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

  async #gather(look: (fromSeq: number, limit: number) => ViewPage, fromSeq: number, limit: number): Promise<ViewPage> {
    const rows: SequencedRow[] = [];
    let nextSeq: number | undefined = fromSeq;
    for (let slice = 0; slice < LIST_SLICES; slice += 1) {
      if (slice > 0) await yieldToOthers();
      if (this.#closing) throw new AppError('stopping', 'the ledger is closed');
      const page = look(nextSeq, limit - rows.length);
      rows.push(...page.rows);
      nextSeq = page.nextSeq;
      if (nextSeq === undefined || rows.length >= limit) break;
    }
    return { rows, nextSeq };
  }

  #request(request: LedgerRequest): void {
    if (this.#closing) throw new AppError('stopping', 'the ledger is closed');
    this.#waiting.push(request);
    this.#appending ??= this.#appendWaiting();
  }

  async #appendWaiting(): Promise<void> {
    // Lets all who came in this turn of the event loop share the first write.
    await yieldToOthers();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_ENTRIES);
      try {
        await this.#caughtUp();
        if (this.#failure !== undefined) throw this.#failure;
        await this.#appendBatch(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    // In the same turn as the last look at the queue: who hears of a row and appends at once begins a new round.
    this.#appending = undefined;
  }

  /** Tells each of them once all of it is durable and in the view. A full disk is the answer only to those who needed room. */
  async #appendBatch(batch: readonly LedgerRequest[]): Promise<void> {
    const { entries, answers } = planBatch(batch, this.#position.lastSeq, (hostId, episodeId) =>
      this.#view.lookUp(hostId, episodeId),
    );
    let noRoom: unknown;
    try {
      if (entries.length > 0) await this.#write(entries);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      noRoom = error;
      // The entries may be in the ledger and not in the view: it reads them from there before the next batch.
      this.#catchingUp = undefined;
    }
    for (const { needsEntries, settle, reject } of answers) {
      if (noRoom !== undefined && needsEntries) reject(noRoom);
      else settle();
    }
  }

  async #write(entries: LedgerEntry[]): Promise<void> {
    const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`);
    let offsetBytes = this.#file.lengthBytes;
    try {
      await this.#file.append(lines.join(''));
    } catch (error) {
      if (isDiskFull(error)) throw error;
      this.#failure = error instanceof AppError ? error : syncFailed(this.#file.path, error);
      throw this.#failure;
    }
    for (let start = 0; start < entries.length; start += VIEW_ENTRIES) {
      if (start > 0) await yieldToOthers();
      const slice = entries.slice(start, start + VIEW_ENTRIES);
      const sliceLines = lines.slice(start, start + VIEW_ENTRIES);
      for (const line of sliceLines) offsetBytes += Buffer.byteLength(line);
      this.#advance(slice, {
        offsetBytes,
        lines: this.#position.lines + slice.length,
        lastSeq: slice.at(-1)?.seq ?? this.#position.lastSeq,
        lastLineSha256: sha256Of(sliceLines.at(-1)?.trimEnd() ?? ''),
      });
    }
    this.#afterStep('view-updated');
    this.#wakeReaders(this.#position.lastSeq);
  }

  #wakeReaders(readableSeq: number): void {
    this.#readableSeq = readableSeq;
    for (const look of [...this.#listeners]) look();
  }

  #advance(entries: LedgerEntry[], position: LedgerPosition): void {
    this.#changeView(() => this.#view.insert(entries, position));
    this.#position = position;
  }

  #changeView(change: () => void): void {
    try {
      change();
    } catch (error) {
      if (isDiskFull(error)) throw error;
      // The entries are durable, but without the view they cannot be told apart from new ones: the next start reads them again.
      this.#failure = new AppError('sync-failed', 'state.db could not take the rows that the ledger has', {
        hint: 'restart the receiver: it brings state.db up to the ledger again',
        cause: error,
      });
      throw this.#failure;
    }
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
    this.#isCaughtUp = false;
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
    const badLines = await this.#readFrom(from.offsetBytes).finally(() => this.#changeView(() => this.#view.save()));
    if (badLines > 0)
      this.#logger.warn({ path: this.#file.path, lines: badLines }, 'ledger: skipped lines that are no rows');
    const read = this.#position.lines - from.lines;
    if (read > 0) this.#logger.info({ lines: read, seq: this.#position.lastSeq }, 'ledger: state.db brought up to it');
    this.#isCaughtUp = true;
    this.#wakeReaders(this.#view.lastSeq());
  }

  /** Returns the number of bad lines. What was not yet saved when it ends is for the caller to save. */
  async #readFrom(offsetBytes: number): Promise<number> {
    let [badLines, unsaved] = [0, 0];
    for await (const lines of this.#file.linesFrom(offsetBytes)) {
      for (let start = 0; start < lines.length; start += VIEW_ENTRIES) {
        if (this.#closing) throw new AppError('stopping', 'stopped while reading the ledger');
        const slice = lines.slice(start, start + VIEW_ENTRIES);
        const last = slice.at(-1);
        if (!last) continue;
        const texts = slice.map(({ text }) => text);
        const { entries, badLines: bad, lines: lineCount, lastSeq } = sequenceLines(texts, this.#position);
        badLines += bad;
        const lastLineSha256 = sha256Of(last.text);
        if (unsaved === 0) this.#changeView(() => this.#view.gather());
        this.#advance(entries, { offsetBytes: last.endOffsetBytes, lines: lineCount, lastSeq, lastLineSha256 });
        unsaved += slice.length;
        if (unsaved >= SAVE_ENTRIES) {
          this.#changeView(() => this.#view.save());
          unsaved = 0;
        }
        this.#onRead?.({ lines: lineCount, doneBytes: last.endOffsetBytes, totalBytes: this.#file.lengthBytes });
        await yieldToOthers();
      }
    }
    return badLines;
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof AppError && error.code === 'disk-full';
}
