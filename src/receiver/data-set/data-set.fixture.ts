// A store that a test can change between two looks at it: the ports that only look, in memory, and a clock that is moved by hand.

import { Readable } from 'node:stream';
import { sha256 } from '../../../test/support/episodes.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { LedgerEntry } from '../../protocol/ledger-row.ts';
import type { BlobKey, BlobReader, ListedBlob } from '../../storage/blob-store.ts';
import type { LedgerItem, LedgerReader } from '../../storage/ledger-reader.ts';

export const NOW_WALL = '2026-05-01T12:00:00.000000+00:00';
export const LONG_AGO_WALL = '2026-04-01T12:00:00.000000+00:00';

interface MemoryFile {
  content: string;
  storedAtWall: string;
}

export class MemoryStore {
  identity: string | undefined = 'first';
  readonly entries: LedgerEntry[] = [];
  /** By `host/episode`. */
  readonly files = new Map<string, MemoryFile>();
  /** Called before each file is looked at, and as often as the ledger is read. */
  onStat: (text: string) => void = () => undefined;
  ledgerReads = 0;
  /** So many lines that are none behind the row with this seq. */
  badLinesAfter: { seq: number; count: number } | undefined;

  readonly ledger: LedgerReader = {
    identity: async () => this.identity,
    read: (afterSeq) => this.#read(afterSeq),
    follow: () => Promise.reject(new Error('nothing here follows the ledger')),
  };

  readonly blobs: BlobReader = {
    stat: async ({ hostId, episodeId }) => {
      this.onStat(`${hostId}/${episodeId}`);
      const file = this.files.get(`${hostId}/${episodeId}`);
      return file && { sizeBytes: file.content.length, storedAtWall: file.storedAtWall };
    },
    read: async ({ hostId, episodeId }) => {
      const file = this.files.get(`${hostId}/${episodeId}`);
      if (!file) throw new AppError('blob-missing', 'it is not there');
      return Readable.from([Buffer.from(file.content.slice(0, 1)), Buffer.from(file.content.slice(1))]);
    },
    list: () => this.#list(),
    pathInRow: ({ hostId, episodeId }: BlobKey) => `episodes/${hostId}/${episodeId}.tar.zst`,
  };

  addFile(text: string, storedAtWall = LONG_AGO_WALL): void {
    this.files.set(text, { content: `content of ${text}`, storedAtWall });
  }

  addRow(text: string): void {
    const [host_id = '', episode_id = ''] = text.split('/');
    const content = `content of ${text}`;
    this.entries.push({
      host_id,
      episode_id,
      received_at_wall: LONG_AGO_WALL,
      sha256: sha256(content),
      bytes: content.length,
      path: `episodes/${text}.tar.zst`,
      seq: this.entries.length + 1,
    });
  }

  addTombstone(text: string): void {
    const [host_id = '', episode_id = ''] = text.split('/');
    const seq = this.entries.length + 1;
    this.entries.push({ host_id, episode_id, retracted_at_wall: NOW_WALL, reason: 'x', by: 'y', seq });
  }

  async *#read(afterSeq: number): AsyncGenerator<LedgerItem> {
    this.ledgerReads += 1;
    for (const entry of this.entries.slice()) {
      if (entry.seq > afterSeq) yield { kind: 'entry', entry, line: this.#lineOf(entry.seq) };
      const bad = this.badLinesAfter;
      if (bad?.seq !== entry.seq || entry.seq < afterSeq) continue;
      for (let line = 1; line <= bad.count; line += 1) yield { kind: 'bad-line', line: this.#lineOf(entry.seq) + line };
    }
  }

  #lineOf(seq: number): number {
    return seq + (this.badLinesAfter && seq > this.badLinesAfter.seq ? this.badLinesAfter.count : 0);
  }

  async *#list(): AsyncGenerator<ListedBlob> {
    for (const text of [...this.files.keys()].sort()) {
      const [hostId = '', episodeId = ''] = text.split('/');
      yield { kind: 'blob', key: { hostId, episodeId } };
    }
  }
}

export interface HandClock extends Clock {
  nowMs: number;
  /** How long each sleep was. */
  slept: number[];
  onSleep: () => void;
}

export function handClock(): HandClock {
  const clock: HandClock = {
    nowMs: 0,
    slept: [],
    onSleep: () => undefined,
    wallTime: () => NOW_WALL,
    monotonicMs: () => clock.nowMs,
    sleep: async (ms) => {
      clock.slept.push(ms);
      clock.nowMs += ms;
      clock.onSleep();
    },
  };
  return clock;
}
