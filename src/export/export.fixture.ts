// A source of episodes in memory, an open bag, and a clock that is moved by hand.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sha256 } from '../../test/support/episodes.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { noStepObserver } from '../lib/after-step.ts';
import type { Clock } from '../lib/clock.ts';
import type { SequencedRow } from '../protocol/ledger-row.ts';
import { BagDirectory } from './bag/bag-directory.ts';
import { type BagDisk, systemDisk } from './bag/bag-disk.ts';
import { type EpisodeKey, EpisodeLoss, type EpisodeSource, type InLedger, keyText } from './episode-source.ts';
import { isSelected, parseSelection, type Selection } from './selection.ts';

export const RECEIVED_AT = '2026-05-01T06:37:53.830599+00:00';
const NOW = '2026-06-02T00:00:01.000000+00:00';
export const EVERYTHING = parseSelection({ hosts: [], commits: [], since: undefined, until: undefined });

export function rowOf(text: string, content: string, fields: Partial<SequencedRow> = {}): SequencedRow {
  const [host_id = '', episode_id = ''] = text.split('/');
  return {
    host_id,
    episode_id,
    received_at_wall: RECEIVED_AT,
    sha256: sha256(content),
    bytes: content.length,
    path: `episodes/${text}.tar.zst`,
    seq: 1,
    ...fields,
  };
}

export class MemorySource implements EpisodeSource {
  readonly name = 'memory';
  readonly rows: SequencedRow[] = [];
  /** By `host/episode`. */
  readonly contents = new Map<string, string | EpisodeLoss>();
  readonly retracted = new Set<string>();
  /** What was read, and from which byte on. */
  readonly reads: [name: string, fromByte: number][] = [];
  chunkBytes = 4;

  add(text: string, content = `content of ${text}`, fields: Partial<SequencedRow> = {}): SequencedRow {
    const row = rowOf(text, content, { seq: this.rows.length + 1, ...fields });
    this.rows.push(row);
    this.contents.set(text, content);
    return row;
  }

  async *list(selection: Selection): AsyncGenerator<SequencedRow> {
    yield* this.rows.filter((row) => isSelected(row, selection));
  }

  async *read(row: SequencedRow, fromByte: number): AsyncGenerator<Uint8Array> {
    const name = `${row.host_id}/${row.episode_id}`;
    this.reads.push([name, fromByte]);
    const content = this.contents.get(name) ?? new EpisodeLoss('missing', 'the file is not there');
    if (content instanceof EpisodeLoss) throw content;
    const bytes = Buffer.from(content).subarray(fromByte);
    for (let at = 0; at < bytes.length; at += this.chunkBytes) yield bytes.subarray(at, at + this.chunkBytes);
  }

  async lookUp(keys: readonly EpisodeKey[]): Promise<Map<string, InLedger>> {
    const known = new Set(this.rows.map((row) => `${row.host_id}/${row.episode_id}`));
    const judge = (name: string): InLedger => {
      if (this.retracted.has(name)) return 'retracted';
      return known.has(name) ? 'stored' : 'unknown';
    };
    return new Map(keys.map((key) => [keyText(key), judge(keyText(key))]));
  }

  close(): void {
    // Nothing is open.
  }
}

/** As Node throws the system's. */
export function diskError(errno: string): Error {
  return Object.assign(new Error(errno), { code: errno });
}

/** `disk`: where it is other than the one of the tests. */
export async function openBag(t: TestContext, disk: Partial<BagDisk> = {}): Promise<BagDirectory> {
  const path = join(temporaryDirectory(t), 'bag');
  const bag = await BagDirectory.open(path, EVERYTHING, noStepObserver, { ...systemDisk, ...disk });
  t.after(() => bag.close());
  return bag;
}

export function makeDirectory(t: TestContext, ...names: string[]): string {
  const path = join(temporaryDirectory(t), ...names);
  mkdirSync(path, { recursive: true });
  return path;
}

export interface HandClock extends Clock {
  nowMs: number;
  /** How long each sleep was. */
  slept: number[];
}

export function handClock(): HandClock {
  const clock: HandClock = {
    nowMs: 0,
    slept: [],
    wallTime: () => NOW,
    monotonicMs: () => clock.nowMs,
    sleep: async (ms) => {
      clock.slept.push(ms);
      clock.nowMs += ms;
    },
  };
  return clock;
}
