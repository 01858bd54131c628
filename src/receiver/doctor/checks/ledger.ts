// Ledger and files agree, as far as a sample tells: the last rows and some at random have their file, of its size; and no line is torn or
// bad. cis490 index verify looks at all of it, and at every byte.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../../lib/app-error.ts';
import { isThere } from '../../../lib/is-there.ts';
import { type CheckResult, green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { isEpisodeId, isHostId } from '../../../protocol/ids.ts';
import { isTombstone, type SequencedRow } from '../../../protocol/ledger-row.ts';
import type { BlobReader } from '../../../storage/blob-store.ts';
import { keyOf } from '../../data-set/scan-ledger.ts';
import type { Check } from '../check.ts';
import type { ReceiverContext } from '../receiver-context.ts';

const LAST_ROWS = 50;
const RANDOM_ROWS = 50;
const MOST_NAMED = 3;
// A receiver that is in the middle of a line has ended it by then.
const LOOK_AGAIN_MS = 500;
const NEWLINE = 0x0a;

export const ledgerCheck: Check<'ledger'> = {
  id: 'ledger',
  timeoutMs: 120_000,
  async run(context) {
    const { config, storage, cures } = context;
    const path = join(config.store.root, 'index.jsonl');
    // The receiver makes it as it starts, and reading one that is missing finds nothing wrong.
    if (!(await isThere(path)))
      return red(
        `there is no ${path}: put it back from the last backup`,
        `ls -la ${shellWord(config.store.root)}`,
        cures.cis490('index backfill --dry-run'),
      );
    const { rows, badLines, count } = await sample(context);
    const wrong: string[] = [];
    for (const row of rows) {
      const what = await whatIsWrong(row, storage.blobs);
      if (what !== undefined) wrong.push(what);
    }
    const verify = cures.cis490('index verify');
    if (wrong.length > 0) {
      const more = wrong.length > MOST_NAMED ? ` and ${wrong.length - MOST_NAMED} more` : '';
      return red(`${wrong.slice(0, MOST_NAMED).join('; ')}${more}, of ${rows.length} rows that were looked at`, verify);
    }
    return (
      (await whyTorn(context)) ??
      whyBad(badLines, context) ??
      green(`${count} rows; ${rows.length} that were looked at have their file`)
    );
  },
};

interface Sample {
  rows: readonly SequencedRow[];
  /** Line numbers. */
  badLines: readonly number[];
  count: number;
}

/** In one reading: the last rows as they pass by, and of those before each with the same chance. */
async function sample({ storage, random }: ReceiverContext): Promise<Sample> {
  const last: SequencedRow[] = [];
  const chosen: SequencedRow[] = [];
  const retracted = new Set<string>();
  const badLines: number[] = [];
  let count = 0;
  let passed = 0;
  for await (const item of storage.ledger.read(0)) {
    if (item.kind === 'bad-line') {
      badLines.push(item.line);
    } else if (isTombstone(item.entry)) {
      retracted.add(keyOf(item.entry));
    } else {
      count += 1;
      last.push(item.entry);
      if (last.length <= LAST_ROWS) continue;
      const row = last.shift() as SequencedRow;
      passed += 1;
      const place = passed <= RANDOM_ROWS ? passed - 1 : Math.floor(random() * passed);
      if (place < RANDOM_ROWS) chosen[place] = row;
    }
  }
  return { rows: [...chosen, ...last].filter((row) => !retracted.has(keyOf(row))), badLines, count };
}

async function whatIsWrong(row: SequencedRow, blobs: Pick<BlobReader, 'stat'>): Promise<string | undefined> {
  const { host_id: hostId, episode_id: episodeId, bytes } = row;
  // Ids become file names: one that is none is never followed.
  if (!isHostId(hostId) || !isEpisodeId(episodeId)) return `seq ${row.seq} has a host_id or episode_id that is no id`;
  const found = await blobs.stat({ hostId, episodeId });
  if (!found) return `the file of ${keyOf(row)} is not there`;
  return found.sizeBytes === bytes ? undefined : `${keyOf(row)} has ${found.sizeBytes} bytes, its row ${bytes}`;
}

function whyBad(badLines: readonly number[], { config, cures }: ReceiverContext): CheckResult | undefined {
  const [first] = badLines;
  if (first === undefined) return undefined;
  const path = join(config.store.root, 'index.jsonl');
  const summary = `${badLines.length} ${badLines.length === 1 ? 'line' : 'lines'} of ${path} are neither a row nor a tombstone, the first is ${first}`;
  return yellow(summary, `sed -n ${first}p ${path}`, cures.cis490('index verify'));
}

/** A line without an end that grows is being written; one that stays is what a crash has left, until the receiver starts again. */
async function whyTorn({ config, clock }: ReceiverContext): Promise<CheckResult | undefined> {
  const path = join(config.store.root, 'index.jsonl');
  const before = await openEndOf(path);
  if (before === undefined) return undefined;
  await clock.sleep(LOOK_AGAIN_MS);
  if ((await openEndOf(path)) !== before) return undefined;
  return yellow(
    `the last line of ${path} is torn: the receiver sets it aside when it starts`,
    'sudo systemctl restart cis490-receiver',
  );
}

/** The size of a file whose last line has no end; undefined for any other, and for none. */
async function openEndOf(path: string): Promise<number | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
      return bytesRead === 1 && buffer[0] !== NEWLINE ? size : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
