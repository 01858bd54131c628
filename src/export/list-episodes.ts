// What is to be in the bag, as one snapshot: the selected rows in a file, each episode once, so that no more than their names are held.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../lib/app-error.ts';
import { isEpisodeId, isHostId } from '../protocol/ids.ts';
import { ledgerRowSchema, type SequencedRow } from '../protocol/ledger-row.ts';
import type { BagDirectory } from './bag/bag-directory.ts';
import { episodePath, partialFile } from './bag/bag-layout.ts';
import { EpisodeNames } from './episode-names.ts';
import { type EpisodeSource, keyOf } from './episode-source.ts';
import { explainReadError } from './explain-read-error.ts';
import { readLines, writeLines } from './line-file.ts';
import type { Selection } from './selection.ts';

const ROWS = 'rows.jsonl';

export interface EpisodeList {
  names: EpisodeNames;
  episodes: number;
  bytes: number;
  /** Of those that the bag does not have yet, judged by size. */
  missingBytes: number;
  /** Rows whose ids are none: no path is made of them. */
  badRows: SequencedRow[];
  /** Rows of episodes whose name another one has, on a disk that ignores case: `first`. */
  takenNames: { row: SequencedRow; first: string }[];
  /** Again and again, in order of seq. */
  rows(): AsyncGenerator<SequencedRow>;
}

export interface ListOptions {
  bag: BagDirectory;
  source: EpisodeSource;
  selection: Selection;
  onListed: (episodes: number, bytes: number) => void;
  stop: AbortSignal;
}

export async function listEpisodes({ bag, source, selection, onListed, stop }: ListOptions): Promise<EpisodeList> {
  const path = partialFile(bag.path, ROWS);
  const list: EpisodeList = {
    names: new EpisodeNames(bag.ignoresCase),
    episodes: 0,
    bytes: 0,
    missingBytes: 0,
    badRows: [],
    takenNames: [],
    rows: () => readRows(path),
  };
  async function* lines(): AsyncGenerator<string> {
    for await (const row of source.list(selection, stop)) {
      if (stop.aborted) return;
      if (!isHostId(row.host_id) || !isEpisodeId(row.episode_id)) {
        list.badRows.push(row);
        continue;
      }
      const key = keyOf(row);
      const added = list.names.add(key);
      if (added.kind === 'taken') list.takenNames.push({ row, first: added.first });
      if (added.kind !== 'added') continue;
      list.episodes += 1;
      list.bytes += row.bytes;
      if ((await sizeOf(join(bag.path, episodePath(key)))) !== row.bytes) list.missingBytes += row.bytes;
      onListed(list.episodes, list.bytes);
      yield formatRow(row);
    }
  }
  await writeLines(path, lines());
  bag.afterStep('episodes-listed');
  return list;
}

/** The same text wherever the row came from: known fields first, in one order, then those that are not known here. */
export function formatRow(row: SequencedRow): string {
  return `${JSON.stringify(ledgerRowSchema.parse(row))}\n`;
}

async function* readRows(path: string): AsyncGenerator<SequencedRow> {
  for await (const line of readLines(path)) yield JSON.parse(line);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw explainReadError(path, error);
  }
}
