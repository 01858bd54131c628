// The two files that the shipper itself leaves in an episode: the receipt and the reason for quarantine. Durable before what they announce.

import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, errnoOf, isMissing } from '../../lib/app-error.ts';
import { toJsonFile } from '../../lib/durable-file.ts';
import { QUARANTINE_REASON_FILE, RECEIPT_FILE } from '../../protocol/episode-meta.ts';
import type { DataLayout } from '../data-layout.ts';
import { fetchBackDrained } from './queue-tools/fetch-back.ts';
import { createDurably, lookAt, removeQuickly, syncDirectory, writeAll } from './quick-files.ts';

/** The receiver's answer as it came, and when. */
export type Receipt = Record<string, unknown> & { shipped_at_wall: string };

export interface QuarantineReason {
  episode_id: string;
  quarantined_at_wall: string;
  /** HTTP status, or 0 when it was refused here, without asking the receiver. */
  status: number;
  code: string;
  detail: string;
  remediation: string | null;
  commit: string | null;
  head_commit: string | null;
  attempts: number;
  /** How long the shipper had run in all its lives. */
  shipper_uptime_s?: number;
}

export async function writeReceipt(layout: DataLayout, episodeId: string, receipt: Receipt): Promise<void> {
  try {
    await writeIntoEpisode(layout, episodeId, RECEIPT_FILE, receipt);
  } catch (error) {
    // Somebody may have drained it by hand while it was sent: what the receiver has belongs in shipped/.
    if (!isMissing(error) || !(await fetchBackDrained(layout, episodeId, receipt))) throw error;
  }
}

export async function writeReason(layout: DataLayout, reason: QuarantineReason): Promise<void> {
  await writeIntoEpisode(layout, reason.episode_id, QUARANTINE_REASON_FILE, reason);
}

const receiptSchema = z.looseObject({ shipped_at_wall: z.string() });
const reasonSchema = z.looseObject({ episode_id: z.string(), quarantined_at_wall: z.string(), code: z.string() });

/** Ours, and not a file of the same name that some recorder left: no episode is retired on its own word. */
export async function hasReceipt(layout: DataLayout, episodeId: string): Promise<boolean> {
  return await hasReceiptAt(join(layout.episodes, episodeId));
}

export async function hasReceiptAt(directory: string): Promise<boolean> {
  return receiptSchema.safeParse(await readJsonFile(join(directory, RECEIPT_FILE))).success;
}

export async function hasReason(layout: DataLayout, episodeId: string): Promise<boolean> {
  const parsed = reasonSchema.safeParse(await readJsonFile(join(layout.episodes, episodeId, QUARANTINE_REASON_FILE)));
  return parsed.success && parsed.data.episode_id === episodeId;
}

export interface SettledAt {
  atWall: string;
  /** Undefined where nobody wrote it down. */
  uptimeS: number | undefined;
}

const settledSchema = z.looseObject({
  shipped_at_wall: z.string().optional().catch(undefined),
  quarantined_at_wall: z.string().optional().catch(undefined),
  shipper_uptime_s: z.number().optional().catch(undefined),
});

/** When an episode in shipped/ or quarantine/ came there, by its note. Undefined without one: then a command may be at work on it. */
export async function readSettledAt(directory: string): Promise<SettledAt | undefined> {
  for (const name of [RECEIPT_FILE, QUARANTINE_REASON_FILE]) {
    const note = settledSchema.safeParse(await readJsonFile(join(directory, name)).catch(() => undefined)).data;
    const atWall = note?.shipped_at_wall ?? note?.quarantined_at_wall;
    if (atWall !== undefined && !Number.isNaN(Date.parse(atWall))) return { atWall, uptimeS: note?.shipper_uptime_s };
  }
  return undefined;
}

/** The half-written file lies in the outbox: a crash leaves nothing in the episode that is not the recorder's. */
async function writeIntoEpisode(layout: DataLayout, episodeId: string, name: string, content: unknown): Promise<void> {
  const temporaryPath = join(layout.outbox, `${name}.${randomBytes(6).toString('hex')}.tmp`);
  const directory = join(layout.episodes, episodeId);
  try {
    const bytes = Buffer.from(toJsonFile(content));
    await createDurably(temporaryPath, 0o644, (descriptor) => writeAll(descriptor, bytes));
    renameSync(temporaryPath, join(directory, name));
  } catch (error) {
    await removeQuickly(temporaryPath);
    throw error;
  }
  await syncDirectory(directory);
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    if (!lookAt(path)) return undefined;
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    if (errnoOf(error) === 'EISDIR')
      throw new AppError('episode-malformed', `${path} is a directory, under a name that is the shipper's own`);
    throw error;
  }
}
