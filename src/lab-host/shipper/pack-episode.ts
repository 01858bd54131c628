// One episode to one tarball in the outbox, hashed while packed, without a file in memory.
// Durable order: partial written → fsync partial → sidecar written → fsync sidecar → rename partial → fsync outbox. A sidecar that a
// crash left torn verifies nothing: the episode is packed anew.

import { closeSync, fstatSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf, isMissing } from '../../lib/app-error.ts';
import { toJsonFile } from '../../lib/durable-file.ts';
import { MAX_META_BYTES, META_FILE, type MetaStamp, readMetaStamp } from '../../protocol/episode-meta.ts';
import { type DataLayout, outboxFiles } from '../data-layout.ts';
import { compressTar } from './compress-tar.ts';
import {
  asUnreadable,
  type EpisodeFile,
  listEpisodeFiles,
  type SourceState,
  sourceState,
} from './list-episode-files.ts';
import { createDurably, lookAt, READ_ONLY_FLAGS, removeQuickly, syncDirectory, writeAll } from './quick-files.ts';
import type { ShipperStep } from './shipper-step.ts';
import { tarPieces } from './tar-pieces.ts';

export interface PackedEpisode {
  episodeId: string;
  tarballPath: string;
  sha256: string;
  sizeBytes: number;
  sourceBytes: number;
  stamp: MetaStamp;
}

const sidecarSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  source: z.object({ files: z.int(), bytes: z.int(), newest_change_ms: z.int() }),
});

export interface PackDependencies {
  layout: DataLayout;
  zstdLevel: number;
  afterStep: AfterStep<ShipperStep>;
  /** Called with each piece of work: a large episode takes its time. */
  onWork: () => void;
}

/**
 * A tarball whose sidecar verifies is taken as it is. Throws `episode-unreadable`, `episode-malformed`, and `episode-changing` when the
 * source was another after packing than before; `stop`'s reason when it aborts. Whatever it throws, no partial stays.
 */
export async function packEpisode(
  dependencies: PackDependencies,
  episodeId: string,
  stop: AbortSignal,
): Promise<{ kind: 'packed' | 'found'; packed: PackedEpisode }> {
  const { layout } = dependencies;
  const directory = join(layout.episodes, episodeId);
  const files = await listEpisodeFiles(directory);
  const source = sourceState(files);
  const stamp = readStamp(layout, episodeId);
  const { tarball, sidecar } = outboxFiles(layout, episodeId);
  const found = findPacked(tarball, sidecar, source);
  if (!found) await removeQuickly(tarball);
  const { sha256, sizeBytes } = found ?? (await writeTarball(dependencies, episodeId, directory, files, stop));
  const packed = { episodeId, tarballPath: tarball, sha256, sizeBytes, sourceBytes: source.bytes, stamp };
  return { kind: found ? 'found' : 'packed', packed };
}

/** What an episode says of the code that made it. */
export function readStamp(layout: DataLayout, episodeId: string): MetaStamp {
  return readMetaStamp(readMeta(join(layout.episodes, episodeId)));
}

/** Forgets what was packed of an episode, so that the next attempt packs it anew. */
export async function discardPacked(layout: DataLayout, episodeId: string): Promise<void> {
  for (const path of Object.values(outboxFiles(layout, episodeId))) {
    await removeQuickly(path).catch((error: unknown) => {
      // A name that is too long for a tarball of it has none.
      if (errnoOf(error) !== 'ENAMETOOLONG') throw error;
    });
  }
}

function findPacked(
  tarball: string,
  sidecar: string,
  source: SourceState,
): { sha256: string; sizeBytes: number } | undefined {
  try {
    const size = lookAt(tarball)?.size;
    if (size === undefined) return undefined;
    const recorded = sidecarSchema.safeParse(JSON.parse(readFileSync(sidecar, 'utf8')));
    if (!recorded.success || recorded.data.bytes !== size) return undefined;
    return sameSource(recorded.data.source, source) ? { sha256: recorded.data.sha256, sizeBytes: size } : undefined;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function writeTarball(
  { layout, zstdLevel, afterStep, onWork }: PackDependencies,
  episodeId: string,
  directory: string,
  files: readonly EpisodeFile[],
  stop: AbortSignal,
): Promise<{ sha256: string; sizeBytes: number }> {
  const source = sourceState(files);
  const { tarball, partial, sidecar } = outboxFiles(layout, episodeId);
  try {
    const written = await createDurably(partial, 0o640, async (descriptor) => {
      afterStep('partial-opened');
      const result = await compressTar(tarPieces(episodeId, directory, files), {
        zstdLevel,
        write: async (piece) => {
          stop.throwIfAborted();
          onWork();
          await writeAll(descriptor, piece);
        },
      });
      afterStep('partial-written');
      return result;
    });
    afterStep('partial-synced');
    if (!sameSource(source, sourceState(await listEpisodeFiles(directory)))) {
      throw new AppError('episode-changing', `${directory} changed while it was packed`, { retryable: true });
    }
    const { sha256, sizeBytes } = written;
    const says = toJsonFile({ episode_id: episodeId, sha256, bytes: sizeBytes, source });
    // No name of its own first: the tarball that it vouches for is not there yet.
    await createDurably(sidecar, 0o644, (descriptor) => writeAll(descriptor, Buffer.from(says)));
    afterStep('sidecar-written');
    renameSync(partial, tarball);
    afterStep('tarball-renamed');
    await syncDirectory(layout.outbox);
    afterStep('outbox-synced');
    return written;
  } catch (error) {
    await removeQuickly(partial);
    throw error;
  }
}

function sameSource(a: SourceState, b: SourceState): boolean {
  return a.files === b.files && a.bytes === b.bytes && a.newest_change_ms === b.newest_change_ms;
}

/**
 * An episode without a meta.json that is a file of sane size is unstamped: the receiver decides about it. Never follows a link, nor
 * waits for a pipe: what lies there is the recorder's.
 */
function readMeta(directory: string): string {
  const path = join(directory, META_FILE);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, READ_ONLY_FLAGS);
    const stats = fstatSync(descriptor);
    return stats.isFile() && stats.size <= MAX_META_BYTES ? readFileSync(descriptor, 'utf8') : '';
  } catch (error) {
    if (descriptor === undefined && (isMissing(error) || errnoOf(error) === 'ELOOP')) return '';
    throw asUnreadable(path, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
