// The two files that the shipper itself leaves in an episode: the receipt and the reason for quarantine. Durable before what they announce.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, errnoOf, isMissing } from '../../lib/app-error.ts';
import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { QUARANTINE_REASON_FILE, RECEIPT_FILE } from '../../protocol/episode-meta.ts';
import type { DataLayout } from './data-layout.ts';

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
}

export async function writeReceipt(layout: DataLayout, episodeId: string, receipt: Receipt): Promise<void> {
  await writeIntoEpisode(layout, episodeId, RECEIPT_FILE, receipt);
}

export async function writeReason(layout: DataLayout, reason: QuarantineReason): Promise<void> {
  await writeIntoEpisode(layout, reason.episode_id, QUARANTINE_REASON_FILE, reason);
}

const receiptSchema = z.looseObject({ shipped_at_wall: z.string() });
const reasonSchema = z.looseObject({ episode_id: z.string(), quarantined_at_wall: z.string(), code: z.string() });

/** Ours, and not a file of the same name that some recorder left: no episode is retired on its own word. */
export async function hasReceipt(layout: DataLayout, episodeId: string): Promise<boolean> {
  return receiptSchema.safeParse(await readJsonFile(join(layout.episodes, episodeId, RECEIPT_FILE))).success;
}

export async function hasReason(layout: DataLayout, episodeId: string): Promise<boolean> {
  const parsed = reasonSchema.safeParse(await readJsonFile(join(layout.episodes, episodeId, QUARANTINE_REASON_FILE)));
  return parsed.success && parsed.data.episode_id === episodeId;
}

/** The half-written file lies in the outbox: a crash leaves nothing in the episode that is not the recorder's. */
async function writeIntoEpisode(layout: DataLayout, episodeId: string, name: string, content: unknown): Promise<void> {
  const temporaryPath = join(layout.outbox, `${name}.${randomBytes(6).toString('hex')}.tmp`);
  await writeFileDurably(join(layout.episodes, episodeId, name), toJsonFile(content), { temporaryPath });
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    if (errnoOf(error) === 'EISDIR')
      throw new AppError('episode-malformed', `${path} is a directory, under a name that is the shipper's own`);
    throw error;
  }
}
