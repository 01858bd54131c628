// cis490 export: builds it, and tells a person, or another program, what is in the bag now.

import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { type AfterStep, noStepObserver } from '../lib/after-step.ts';
import { AppError, isMissing } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import { formatSize } from '../lib/format-size.ts';
import { inertLine } from '../lib/inert-text.ts';
import type { Logger } from '../lib/logger.ts';
import { shellWord } from '../lib/shell-word.ts';
import { openStorageForReading } from '../storage/open-storage.ts';
import { BagDirectory } from './bag/bag-directory.ts';
import { MANIFEST } from './bag/bag-layout.ts';
import type { EpisodeSource } from './episode-source.ts';
import { type ExportEvent, type ExportOutcome, exportEpisodes, type Loss, type Progress } from './export-episodes.ts';
import type { ExportStep } from './export-step.ts';
import { parseSelection, type SelectionWords } from './selection.ts';
import { HttpSource } from './sources/http-source.ts';
import type { ReceiverAddress } from './sources/receiver-request.ts';
import { StoreSource } from './sources/store-source.ts';

type ExportFrom = { kind: 'store'; root: string } | { kind: 'receiver'; receiver: ReceiverAddress };

export interface RunExportOptions {
  from: ExportFrom;
  /** Of the bag. */
  directory: string;
  selection: SelectionWords;
  jobs: number;
  /** Hash what the bag has already, too. */
  verify: boolean;
  json: boolean;
  output: { write(text: string): unknown };
  progress: Progress & { clear(): void };
  logger: Logger;
  clock: Clock;
  /** From 0 to below 1. */
  random: () => number;
  stop: AbortSignal;
  afterStep?: AfterStep<ExportStep>;
}

const LOOK = 'on the receiver: cis490 index verify';
const ANOTHER_DISK = 'export it to a disk that tells upper case from lower case: --out DIR';

/** Resolves with the exit code. Throws `bad-input`, `already-running`, `disk-full`, `cannot-write`, `cannot-read`, `sync-failed`, `interrupted`, `receiver-down`, `credential-refused`. */
export async function runExport(options: RunExportOptions): Promise<number> {
  const { from, directory, jobs, verify, json, progress, clock, stop, afterStep = noStepObserver } = options;
  const selection = parseSelection(options.selection);
  if (from.kind === 'store') await requireApart(from.root, directory);
  const source = await openSource(options);
  const print = (line: string) => {
    progress.clear();
    options.output.write(`${line}\n`);
  };
  try {
    const bag = await BagDirectory.open(directory, selection, afterStep);
    try {
      const tell = (event: ExportEvent) => !json && print(describeEvent(event));
      const outcome = await exportEpisodes({ bag, source, selection, jobs, verify, progress, tell, stop, clock });
      print(json ? asJson(outcome, directory, source.name) : describeOutcome(outcome, directory));
      return outcome.kind === 'whole' ? 0 : 1;
    } finally {
      bag.close();
    }
  } finally {
    progress.clear();
    source.close();
  }
}

async function openSource({ from, logger, clock, random }: RunExportOptions): Promise<EpisodeSource> {
  if (from.kind === 'receiver') return new HttpSource({ receiver: from.receiver, logger, clock, random });
  const { root } = from;
  return await StoreSource.open({ root, ...openStorageForReading(root, logger), logger });
}

/** What lies in a store must be the receiver's. */
async function requireApart(root: string, directory: string): Promise<void> {
  const [store, bag] = [await realOf(root), await realOf(directory)];
  if (`${bag}${sep}`.startsWith(`${store}${sep}`) || `${store}${sep}`.startsWith(`${bag}${sep}`)) {
    throw new AppError('bad-input', `${directory} and the store ${root} lie one in the other`, {
      hint: 'name a directory elsewhere: --out DIR',
    });
  }
}

/** It need not be there yet. */
async function realOf(path: string): Promise<string> {
  const full = resolve(path);
  try {
    return await realpath(full);
  } catch (error) {
    if (!isMissing(error) || full === dirname(full)) return full;
    return join(await realOf(dirname(full)), basename(full));
  }
}

function describeEvent(event: ExportEvent): string {
  if (event.kind === 'left-out') return `left out  ${describeLoss(event.loss)}  next: ${nextFor(event.loss)}`;
  const name = `${event.key.hostId}/${event.key.episodeId}`;
  if (event.kind === 'removed') return `removed   ${name}  it was retracted`;
  return `replaced  ${name}  what the bag had of it was damaged`;
}

function describeLoss({ hostId, episodeId, kind, detail }: Loss): string {
  return `${inertLine(`${hostId}/${episodeId}`)}  ${kind}: ${inertLine(detail)}`;
}

function nextFor({ kind }: Loss): string {
  return kind === 'name-taken' ? ANOTHER_DISK : LOOK;
}

function describeOutcome({ kind, episodes, bytes, added, removed, leftOut }: ExportOutcome, directory: string): string {
  const counts = [
    `${episodes} episode${episodes === 1 ? '' : 's'}, ${formatSize(bytes)} in ${directory}`,
    `${added} of them new`,
    ...(removed > 0 ? [`${removed} removed`] : []),
    ...(leftOut.length > 0 ? [`${leftOut.length} left out`] : []),
  ].join(', ');
  const none = episodes === 0 && leftOut.length === 0 ? '\nno stored episode is selected' : '';
  return `${counts}: ${kind}${none}\ncheck it: cd ${shellWord(directory)} && sha256sum --check --quiet ${MANIFEST}`;
}

function asJson({ kind, leftOut, ...counts }: ExportOutcome, directory: string, source: string): string {
  const left_out = leftOut.map((loss) => ({
    host_id: loss.hostId,
    episode_id: loss.episodeId,
    kind: loss.kind,
    detail: loss.detail,
    next: nextFor(loss),
  }));
  return JSON.stringify({ status: kind, directory, source, ...counts, left_out }, null, 2);
}
