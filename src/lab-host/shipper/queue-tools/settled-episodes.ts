// What lies in quarantine/ and shipped/, each with the note that brought it there. Looks, changes nothing.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf, isMissing } from '../../../lib/app-error.ts';
import { readIfThere } from '../../../lib/read-if-there.ts';
import { QUARANTINE_REASON_FILE, RECEIPT_FILE } from '../../../protocol/episode-meta.ts';
import type { DataLayout } from '../../data-layout.ts';
import { MAX_NUMBERED_NAME } from '../move-episode.ts';
import { mapPooled } from './queue-tools.ts';

/** A reason as any version of the shipper may have written it. */
const reasonSchema = z.looseObject({
  episode_id: z.string(),
  quarantined_at_wall: z.string(),
  code: z.string(),
  status: z.number().catch(0),
  detail: z.string().catch(''),
  remediation: z.string().nullable().catch(null),
  commit: z.string().nullable().catch(null),
  head_commit: z.string().nullable().catch(null),
  attempts: z.number().catch(0),
});
export type StoredReason = z.infer<typeof reasonSchema>;

const receiptSchema = z.looseObject({
  shipped_at_wall: z.string(),
  episode_id: z.string().optional().catch(undefined),
});
type StoredReceipt = z.infer<typeof receiptSchema>;

export interface SettledEpisode<Note> {
  /** Of the directory: the episode's id, or that and a number where the id was taken. */
  name: string;
  /** The id under which it was sent, and goes back into the queue. */
  episodeId: string;
  /** Undefined where it has none, or one that cannot be read as such. */
  note: Note | undefined;
}
export type QuarantinedEpisode = SettledEpisode<StoredReason>;
export type ShippedEpisode = SettledEpisode<StoredReceipt>;

export async function readQuarantine(layout: DataLayout): Promise<QuarantinedEpisode[]> {
  return await readSettled(layout.quarantine, QUARANTINE_REASON_FILE, reasonSchema);
}

export async function readShipped(layout: DataLayout): Promise<ShippedEpisode[]> {
  return await readSettled(layout.shipped, RECEIPT_FILE, receiptSchema);
}

/** Of one directory; undefined where it has none, or one that cannot be read as such. */
export async function readReason(directory: string): Promise<StoredReason | undefined> {
  return reasonSchema.safeParse(await readJson(join(directory, QUARANTINE_REASON_FILE))).data;
}

/** What `cis490 quarantine-unstamped` writes, and nobody else: it was refused by no receiver. */
export const DRAINED_DETAIL = 'drained by hand: its meta.json has no well-formed commit';

export function isDrained(reason: StoredReason): boolean {
  return reason.status === 0 && reason.detail === DRAINED_DETAIL;
}

async function readSettled<Note extends { episode_id?: string | undefined }>(
  directory: string,
  noteFile: string,
  schema: z.ZodType<Note>,
): Promise<SettledEpisode<Note>[]> {
  return await mapPooled(await directoryNames(directory), async (name) => {
    const note = schema.safeParse(await readJson(join(directory, name, noteFile))).data;
    return { name, episodeId: originalId(name, note?.episode_id), note };
  });
}

/** Of the directories in it, sorted; an absent one has none. */
export async function directoryNames(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? entry.name : [])).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A note is a file that anybody may have written: what it claims counts only if the directory could have got its name from it. */
export function originalId(name: string, claimed: string | undefined): string {
  if (claimed === undefined || claimed === name) return name;
  // As move-episode.ts numbers a name that is taken, and shortens one that leaves no room for a number.
  const [, stem] = /^(.+)\.[1-9]\d*$/s.exec(name) ?? [];
  return stem !== undefined && stem === claimed.slice(0, MAX_NUMBERED_NAME) ? claimed : name;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse((await readIfThere(path)) ?? 'null');
  } catch (error) {
    if (error instanceof SyntaxError || ['EISDIR', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
