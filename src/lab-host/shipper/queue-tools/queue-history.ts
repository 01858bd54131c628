// queue-history.jsonl: what commands have taken out of quarantine/ and shipped/, when, by whom, and the note that it had there. A row is
// durable before anything is moved, so that no reason is lost, and so that what a crash cut short can be finished.

import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fsyncDirectory } from '../../../lib/durable-file.ts';
import { writing } from '../../../lib/explain-write-error.ts';
import { parseJson } from '../../../lib/parse-json.ts';
import { readIfThere } from '../../../lib/read-if-there.ts';
import type { DataLayout } from '../../data-layout.ts';

const ACTIONS = ['requeued', 'reshipped', 'purged'] as const;

const rowSchema = z.looseObject({
  at_wall: z.string(),
  action: z.enum(ACTIONS),
  by: z.string(),
  episode_id: z.string(),
  /** Of its directory, where it lay. */
  name: z.string(),
  /** quarantine_reason.json or receipt.json as it was; null where it had none. */
  note: z.unknown(),
});
export type HistoryRow = z.infer<typeof rowSchema>;

/** Rows are durable when this resolves. A torn last line of an earlier crash is left behind on a line of its own. Throws `disk-full` or `cannot-write`. */
export async function appendHistory(layout: DataLayout, rows: readonly HistoryRow[]): Promise<void> {
  if (rows.length > 0) await writing(historyPath(layout), () => append(layout, rows));
}

async function append(layout: DataLayout, rows: readonly HistoryRow[]): Promise<void> {
  const handle = await open(historyPath(layout), 'a+', 0o640);
  try {
    const { size } = await handle.stat();
    const last = size === 0 ? '\n' : (await handle.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString();
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await handle.writeFile(last === '\n' ? text : `\n${text}`);
    await handle.sync();
    if (size === 0) await fsyncDirectory(layout.root);
  } finally {
    await handle.close();
  }
}

/** In order; lines that are no rows are skipped. */
export async function readHistory(layout: DataLayout): Promise<HistoryRow[]> {
  const text = (await readIfThere(historyPath(layout))) ?? '';
  return text.split('\n').flatMap((line) => rowSchema.safeParse(parseJson(line)).data ?? []);
}

/** Grows with each row; 0 while there is none. */
export async function historyBytes(layout: DataLayout): Promise<number> {
  const found = await stat(historyPath(layout)).catch(() => undefined);
  return found?.size ?? 0;
}

function historyPath(layout: DataLayout): string {
  return join(layout.root, 'queue-history.jsonl');
}
