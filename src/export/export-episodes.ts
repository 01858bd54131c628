// One export, from an open bag and a source to the outcome. Ended at any point, the next one goes on.

import { statfs } from 'node:fs/promises';
import { AppError } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import { formatSize } from '../lib/format-size.ts';
import { shellWord } from '../lib/shell-word.ts';
import { EPISODE_SUFFIX, isEpisodeId, isHostId } from '../protocol/ids.ts';
import type { SequencedRow } from '../protocol/ledger-row.ts';
import { atOnce } from './at-once.ts';
import type { BagDirectory } from './bag/bag-directory.ts';
import { EPISODES, INDEX, partialPath } from './bag/bag-layout.ts';
import { finishBag } from './bag/finish-bag.ts';
import { copyEpisode } from './copy-episode.ts';
import { type EpisodeKey, type EpisodeSource, keyOf, keyText, type LossKind } from './episode-source.ts';
import { reading } from './explain-read-error.ts';
import { type EpisodeList, listEpisodes } from './list-episodes.ts';
import type { Selection } from './selection.ts';

export interface Loss {
  hostId: string;
  episodeId: string;
  /** `name-taken`: the bag's disk ignores case, and another one has its name. */
  kind: Exclude<LossKind, 'retracted'> | 'bad-row' | 'name-taken';
  detail: string;
}

export type ExportEvent =
  | { kind: 'left-out'; loss: Loss }
  /** It was retracted since it came into the bag. */
  | { kind: 'removed'; key: EpisodeKey }
  /** What the bag had was damaged, and is good again. */
  | { kind: 'replaced'; key: EpisodeKey };

export interface Progress {
  update(work: { what: 'episodes'; done: number; total: number; bytes: { done: number; total: number } }): void;
}

export interface ExportOptions {
  bag: BagDirectory;
  source: EpisodeSource;
  selection: Selection;
  jobs: number;
  verify: boolean;
  progress: Progress;
  tell: (event: ExportEvent) => void;
  stop: AbortSignal;
  clock: Clock;
}

export interface ExportOutcome {
  kind: 'whole' | 'incomplete';
  /** In the bag now. */
  episodes: number;
  bytes: number;
  added: number;
  removed: number;
  leftOut: Loss[];
}

/** Throws `bad-input`, `disk-full`, `cannot-write`, `cannot-read`, `sync-failed`, `interrupted`, and what the source does. */
export async function exportEpisodes(options: ExportOptions): Promise<ExportOutcome> {
  const { bag, source, selection, clock, stop, progress } = options;
  const onListed = (done: number, bytes: number) =>
    progress.update({ what: 'episodes', done: 0, total: done, bytes: { done: 0, total: bytes } });
  const list = await listEpisodes({ bag, source, selection, onListed, stop });
  requireGoingOn(stop);
  const run = new ExportRun(options, list);
  await run.dropRetracted();
  await requireRoom(bag.path, list.missingBytes - (await bag.partialBytes()));
  await run.copyAll();
  requireGoingOn(stop);
  const { outcome } = run;
  const date = clock.wallTime().slice(0, 10);
  const rows = () => run.heldRows();
  await finishBag({ bag, selection, rows, leftOut: outcome.leftOut.length, date });
  await bag.cleanUp(new Set(outcome.leftOut.filter(hasPartial).map((loss) => partialPath(bag.path, loss))));
  return outcome;
}

class ExportRun {
  readonly outcome: ExportOutcome;
  readonly #options: ExportOptions;
  readonly #list: EpisodeList;
  /** Not in the bag, by the seq of their rows. */
  readonly #without = new Set<number>();
  readonly #missing: Loss[] = [];
  #doneBytes = 0;
  #doneEpisodes = 0;

  constructor(options: ExportOptions, list: EpisodeList) {
    this.#options = options;
    this.#list = list;
    this.outcome = { kind: 'whole', episodes: 0, bytes: 0, added: 0, removed: 0, leftOut: [] };
    for (const row of list.badRows) {
      this.#leaveOut({ ...keyOf(row), kind: 'bad-row', detail: `seq ${row.seq}: its host_id or episode_id is no id` });
    }
    for (const { row, first } of list.takenNames) {
      const detail = `the disk of the bag ignores case, and ${first} has its name there`;
      this.#leaveOut({ ...keyOf(row), kind: 'name-taken', detail });
    }
  }

  /** What the bag holds and the selection does not: retracted since, or of something else, which is not touched. */
  async dropRetracted(): Promise<void> {
    const { bag, source, stop } = this.#options;
    const surplus: EpisodeKey[] = [];
    for await (const path of bag.payload()) {
      if (path === INDEX) continue;
      const key = keyOfPath(path);
      if (!key) throw notOfThisBag(bag.path, path, 'no export has put it there');
      if (!this.#list.names.has(key)) surplus.push(key);
    }
    const known = await source.lookUp(surplus, stop);
    // Ended early, it does not know the rest.
    requireGoingOn(stop);
    const foreign = surplus.find((key) => known.get(keyText(key)) !== 'retracted');
    if (foreign) {
      const why = known.get(keyText(foreign)) === 'stored' ? 'is no longer in its selection' : 'does not know it';
      throw notOfThisBag(bag.path, keyText(foreign), `${source.name} ${why}`);
    }
    for (const key of surplus) {
      await bag.removeEpisode(key);
      this.outcome.removed += 1;
      this.#options.tell({ kind: 'removed', key });
    }
  }

  async copyAll(): Promise<void> {
    const { jobs, stop } = this.#options;
    await atOnce(this.#list.rows(), jobs, stop, (row, signal) => this.#copy(row, signal));
    if (!stop.aborted) await this.#judgeMissing();
  }

  async *heldRows(): AsyncGenerator<SequencedRow> {
    for await (const row of this.#list.rows()) if (!this.#without.has(row.seq)) yield row;
  }

  async #copy(row: SequencedRow, signal: AbortSignal): Promise<void> {
    const { bag, source, verify, tell } = this.#options;
    let knownBytes = 0;
    const onBytes = (bytes: number) => {
      this.#doneBytes += bytes - knownBytes;
      knownBytes = bytes;
      this.#showProgress();
    };
    const copied = await copyEpisode(row, { bag, source, verify, onBytes, signal });
    if (copied.kind === 'interrupted') return;
    onBytes(row.bytes);
    this.#doneEpisodes += 1;
    this.#showProgress();
    const key = keyOf(row);
    if (copied.kind === 'lost') {
      this.#without.add(row.seq);
      if (copied.why === 'missing') this.#missing.push({ ...key, kind: copied.why, detail: copied.detail });
      else if (copied.why !== 'retracted') this.#leaveOut({ ...key, kind: copied.why, detail: copied.detail });
      return;
    }
    this.outcome.episodes += 1;
    this.outcome.bytes += row.bytes;
    if (copied.kind === 'added') this.outcome.added += 1;
    if (copied.kind === 'replaced') tell({ kind: 'replaced', key });
  }

  /** A file goes when its episode is retracted, which may have been meanwhile. */
  async #judgeMissing(): Promise<void> {
    const { source, stop } = this.#options;
    const known = await source.lookUp(this.#missing, stop);
    requireGoingOn(stop);
    for (const loss of this.#missing) if (known.get(keyText(loss)) !== 'retracted') this.#leaveOut(loss);
  }

  #leaveOut(loss: Loss): void {
    this.outcome.kind = 'incomplete';
    this.outcome.leftOut.push(loss);
    this.#options.tell({ kind: 'left-out', loss });
  }

  #showProgress(): void {
    const { episodes: total, bytes } = this.#list;
    const done = { done: this.#doneBytes, total: bytes };
    this.#options.progress.update({ what: 'episodes', done: this.#doneEpisodes, total, bytes: done });
  }
}

function requireGoingOn(stop: AbortSignal): void {
  if (stop.aborted) throw new AppError('interrupted', 'interrupted; go on with the same command');
}

/** Told at once, and not after hours. */
async function requireRoom(path: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await reading(path, () => statfs(path));
  const freeBytes = bavail * bsize;
  if (neededBytes <= freeBytes) return;
  throw new AppError(
    'disk-full',
    `${path} has room for ${formatSize(freeBytes)}, and ${formatSize(neededBytes)} are to come`,
    { retryable: true, hint: `make room, then go on with the same command: df -h ${shellWord(path)}` },
  );
}

function keyOfPath(path: string): EpisodeKey | undefined {
  const [hostId = '', name = '', ...more] = path.startsWith(`${EPISODES}/`)
    ? path.slice(EPISODES.length + 1).split('/')
    : [];
  if (more.length > 0 || !name.endsWith(EPISODE_SUFFIX)) return undefined;
  const episodeId = name.slice(0, -EPISODE_SUFFIX.length);
  return isHostId(hostId) && isEpisodeId(episodeId) ? { hostId, episodeId } : undefined;
}

function notOfThisBag(directory: string, what: string, why: string): AppError {
  return new AppError('bad-input', `${directory} holds ${what}: ${why}`, {
    hint: 'move it away, or name an empty or a new directory: --out DIR',
  });
}

function hasPartial({ kind }: Loss): boolean {
  return kind === 'unreadable';
}
