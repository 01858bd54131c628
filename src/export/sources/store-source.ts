// Episodes from a store's directory, beside a running receiver or without one. Nothing there is made, locked or changed.

import { stat } from 'node:fs/promises';
import { AppError, isMissing, messageOf } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { isTombstone, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { BlobReader } from '../../storage/blob-store.ts';
import type { LedgerItem, LedgerReader } from '../../storage/ledger-reader.ts';
import { type EpisodeKey, EpisodeLoss, type EpisodeSource, type InLedger, keyOf, keyText } from '../episode-source.ts';
import { isSelected, type Selection } from '../selection.ts';

const NOT_THERE = 'the file is not there';
const NAME_IT = 'name the directory that holds index.jsonl: --store DIR';

export interface StoreSourceOptions {
  root: string;
  blobs: BlobReader;
  ledger: LedgerReader;
  logger: Logger;
}

export class StoreSource implements EpisodeSource {
  readonly name: string;
  readonly #options: StoreSourceOptions;

  /** Throws `bad-input` where there is no ledger that can be read. */
  static async open(options: StoreSourceOptions): Promise<StoreSource> {
    const { root, ledger } = options;
    try {
      if (!(await stat(root)).isDirectory()) throw new Error('it is no directory');
      if ((await ledger.identity()) !== undefined) return new StoreSource(options);
    } catch (error) {
      throw cannotRead(root, error);
    }
    throw new AppError('bad-input', `${root} is no store with an episode in it: it has no ledger, or an empty one`, {
      hint: NAME_IT,
    });
  }

  private constructor(options: StoreSourceOptions) {
    this.name = options.root;
    this.#options = options;
  }

  async *list(selection: Selection, signal: AbortSignal): AsyncGenerator<SequencedRow> {
    const retracted = new Set<string>();
    let [lastSeq, badLines] = [0, 0];
    for await (const item of this.#read(signal)) {
      if (item.kind === 'bad-line') {
        badLines += 1;
        continue;
      }
      lastSeq = item.entry.seq;
      if (isTombstone(item.entry)) retracted.add(keyText(keyOf(item.entry)));
    }
    if (badLines > 0) {
      const cure = 'cis490 index verify';
      this.#options.logger.warn({ lines: badLines, cure }, 'the ledger has lines that are no rows: they are left out');
    }
    for await (const item of this.#read(signal)) {
      if (item.kind === 'bad-line' || isTombstone(item.entry)) continue;
      // What came meanwhile may have been retracted meanwhile.
      if (item.entry.seq > lastSeq) return;
      if (!retracted.has(keyText(keyOf(item.entry))) && isSelected(item.entry, selection)) yield item.entry;
    }
  }

  async *read(row: SequencedRow, fromByte: number): AsyncGenerator<Uint8Array> {
    const { blobs } = this.#options;
    const key = keyOf(row);
    try {
      const found = await blobs.stat(key);
      if (!found) throw new EpisodeLoss('missing', NOT_THERE);
      if (found.sizeBytes !== row.bytes) {
        throw new EpisodeLoss('wrong-size', `the file has ${found.sizeBytes} bytes, its row ${row.bytes}`);
      }
      yield* await blobs.read(key, { start: fromByte, end: row.bytes - 1 });
    } catch (error) {
      if (error instanceof EpisodeLoss) throw error;
      if (error instanceof AppError && error.code === 'blob-missing') throw new EpisodeLoss('missing', NOT_THERE);
      throw new EpisodeLoss('unreadable', messageOf(error), error);
    }
  }

  async lookUp(keys: readonly EpisodeKey[], signal: AbortSignal): Promise<Map<string, InLedger>> {
    const found = new Map<string, InLedger>(keys.map((key) => [keyText(key), 'unknown']));
    if (found.size === 0) return found;
    for await (const item of this.#read(signal)) {
      if (item.kind === 'bad-line') continue;
      const key = keyText(keyOf(item.entry));
      if (!found.has(key) || found.get(key) === 'retracted') continue;
      found.set(key, isTombstone(item.entry) ? 'retracted' : 'stored');
    }
    return found;
  }

  close(): void {
    // Nothing stays open between two reads.
  }

  async *#read(signal: AbortSignal): AsyncGenerator<LedgerItem> {
    const { root, ledger } = this.#options;
    try {
      for await (const item of ledger.read(0)) {
        if (signal.aborted) return;
        yield item;
      }
    } catch (error) {
      throw cannotRead(root, error);
    }
  }
}

function cannotRead(root: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isMissing(error)) return new AppError('bad-input', `there is no store ${root}`, { hint: NAME_IT, cause: error });
  return new AppError('bad-input', `the store ${root} cannot be read: ${messageOf(error)}`, {
    hint: `see whose it is: ls -ld ${shellWord(root)}; then as its user: sudo -u cis490 cis490 export …, or over HTTP: --receiver URL`,
    cause: error,
  });
}
