// The two kinds of JSON file under `uploads/`: what was declared of each upload, and how old all of them are.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isMissing } from '../../lib/app-error.ts';
import { toJsonFile } from '../../lib/durable-file.ts';
import { isEpisodeId, isHostId } from '../../protocol/ids.ts';
import type { Upload, UploadAges } from '../uploads.ts';

const declarationSchema = z.object({
  host_id: z.string().refine(isHostId),
  episode_id: z.string().refine(isEpisodeId),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  metadata: z.record(z.string(), z.string().nullable()),
  created_at_wall: z.string(),
});

const agesSchema = z.object({
  idle_s: z.record(z.string(), z.number().nonnegative()),
  expired: z.array(z.object({ upload_id: z.string(), host_id: z.string() })),
});

export function declarationText({ key, sha256, sizeBytes, metadata, createdAtWall }: Upload): string {
  const { hostId: host_id, episodeId: episode_id } = key;
  return toJsonFile({ host_id, episode_id, sha256, bytes: sizeBytes, metadata, created_at_wall: createdAtWall });
}

/** Undefined when it is not there, or is none. */
export async function readDeclaration(path: string, uploadId: string): Promise<Upload | undefined> {
  const found = declarationSchema.safeParse(await readJson(path));
  if (!found.success) return undefined;
  const { host_id, episode_id, sha256, bytes, metadata, created_at_wall } = found.data;
  const key = { hostId: host_id, episodeId: episode_id };
  return { uploadId, key, sha256, sizeBytes: bytes, metadata, createdAtWall: created_at_wall };
}

export function agesText({ idleS, expired }: UploadAges): string {
  const ended = expired.map(({ uploadId, hostId }) => ({ upload_id: uploadId, host_id: hostId }));
  return toJsonFile({ idle_s: idleS, expired: ended });
}

export async function readAgesFile(path: string): Promise<UploadAges | undefined> {
  const found = agesSchema.safeParse(await readJson(path));
  if (!found.success) return undefined;
  const expired = found.data.expired.map((it) => ({ uploadId: it.upload_id, hostId: it.host_id }));
  return { idleS: found.data.idle_s, expired };
}

/** Undefined for what is missing or torn. */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
