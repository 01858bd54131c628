// One episode to one tarball in the outbox, hashed while packed, without a file in memory.
// Durable order: partial written → fsync partial → sidecar written → fsync sidecar → rename partial → fsync outbox. A sidecar that a
// crash left torn verifies nothing: the episode is packed anew.

import { createHash } from 'node:crypto';
import { constants as fsConstants } from 'node:fs';
import { type FileHandle, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, createZstdCompress } from 'node:zlib';
import { packTar, type TarSource } from 'modern-tar/fs';
import { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf, isMissing } from '../../lib/app-error.ts';
import { fsyncDirectory, toJsonFile } from '../../lib/durable-file.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { MAX_META_BYTES, META_FILE, type MetaStamp, readMetaStamp } from '../../protocol/episode-meta.ts';
import { type DataLayout, outboxFiles } from '../data-layout.ts';
import {
  asUnreadable,
  type EpisodeFile,
  listEpisodeFiles,
  type SourceState,
  sourceState,
} from './list-episode-files.ts';
import type { ShipperStep } from './shipper-step.ts';

export interface PackedEpisode {
  episodeId: string;
  tarballPath: string;
  sha256: string;
  sizeBytes: number;
  sourceBytes: number;
  stamp: MetaStamp;
}

// Each piece is one turn through the thread pool, and one write.
const COMPRESSED_PIECE_BYTES = 128 * 1024;

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
  const stamp = readMetaStamp(await readMeta(directory));
  const { tarball, sidecar } = outboxFiles(layout, episodeId);
  const found = await findPacked(tarball, sidecar, source);
  if (found)
    return { kind: 'found', packed: { episodeId, tarballPath: tarball, ...found, sourceBytes: source.bytes, stamp } };
  await removeFile(tarball);
  const written = await writeTarball(dependencies, episodeId, directory, files, stop);
  return { kind: 'packed', packed: { episodeId, tarballPath: tarball, ...written, sourceBytes: source.bytes, stamp } };
}

/** What an episode says of the code that made it, without packing it. */
export async function readStamp(layout: DataLayout, episodeId: string): Promise<MetaStamp> {
  return readMetaStamp(await readMeta(join(layout.episodes, episodeId)));
}

/** Forgets what was packed of an episode, so that the next attempt packs it anew. */
export async function discardPacked(layout: DataLayout, episodeId: string): Promise<void> {
  const { tarball, partial, sidecar } = outboxFiles(layout, episodeId);
  for (const path of [tarball, partial, sidecar]) {
    await removeFile(path).catch((error: unknown) => {
      // A name that is too long for a tarball of it has none.
      if (errnoOf(error) !== 'ENAMETOOLONG') throw error;
    });
  }
}

async function findPacked(
  tarball: string,
  sidecar: string,
  source: SourceState,
): Promise<{ sha256: string; sizeBytes: number } | undefined> {
  try {
    const { size } = await stat(tarball);
    const recorded = sidecarSchema.safeParse(JSON.parse(await readFile(sidecar, 'utf8')));
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
    const written = await writePartial(partial, afterStep, (handle) =>
      compressInto(handle, tarSources(episodeId, directory, files), { zstdLevel, directory, stop, onWork }),
    );
    if (!sameSource(source, sourceState(await listEpisodeFiles(directory)))) {
      throw new AppError('episode-changing', `${directory} changed while it was packed`, { retryable: true });
    }
    const { sha256, sizeBytes } = written;
    await writeSidecar(sidecar, toJsonFile({ episode_id: episodeId, sha256, bytes: sizeBytes, source }));
    afterStep('sidecar-written');
    await rename(partial, tarball);
    afterStep('tarball-renamed');
    await fsyncDirectory(layout.outbox);
    afterStep('outbox-synced');
    return written;
  } catch (error) {
    await removeFile(partial);
    throw error;
  }
}

/** No name of its own first: the tarball that it vouches for is not there yet. */
async function writeSidecar(path: string, text: string): Promise<void> {
  const handle = await open(path, 'w', 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file is durable, and still has its temporary name, when this resolves. */
async function writePartial<T>(
  path: string,
  afterStep: AfterStep<ShipperStep>,
  write: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open(path, 'w', 0o640);
  try {
    afterStep('partial-opened');
    const result = await write(handle);
    afterStep('partial-written');
    await handle.sync();
    afterStep('partial-synced');
    return result;
  } finally {
    await handle.close();
  }
}

async function compressInto(
  handle: FileHandle,
  sources: TarSource[],
  {
    zstdLevel,
    directory,
    stop,
    onWork,
  }: { zstdLevel: number; directory: string; stop: AbortSignal; onWork: () => void },
): Promise<{ sha256: string; sizeBytes: number }> {
  const tar = packTar(sources, {
    // Files that are opened ahead. Without it, the machine's processors are looked up for each episode.
    concurrency: 2,
    map: (header) => ({ ...header, uid: 0, gid: 0, uname: '', gname: '', mode: (header.mode ?? 0) & 0o777 }),
  });
  const zstd = createZstdCompress({
    chunkSize: COMPRESSED_PIECE_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: zstdLevel, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  let readFailure: unknown;
  tar.on('error', (error) => {
    readFailure = asUnreadable(directory, error);
    zstd.destroy(error);
  });
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of tar.pipe(zstd) as AsyncIterable<Buffer>) {
      stop.throwIfAborted();
      onWork();
      hash.update(chunk);
      await handle.writeFile(chunk);
      sizeBytes += chunk.byteLength;
    }
  } catch (error) {
    throw readFailure ?? error;
  } finally {
    tar.destroy();
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** Everything under one directory named after the episode, so that unpacking two of them side by side mixes nothing up. */
function tarSources(episodeId: string, directory: string, files: readonly EpisodeFile[]): TarSource[] {
  return files.map(({ path, kind, stats }): TarSource => {
    const mtime = new Date(Math.floor(stats.mtimeMs / 1000) * 1000);
    const target = `${episodeId}/${path}`;
    if (kind === 'directory') return { type: 'content', content: null, target: `${target}/`, mtime, mode: stats.mode };
    return { type: 'file', source: join(directory, path), target, mtime };
  });
}

function sameSource(a: SourceState, b: SourceState): boolean {
  return a.files === b.files && a.bytes === b.bytes && a.newest_change_ms === b.newest_change_ms;
}

/**
 * An episode without a meta.json that is a file of sane size is unstamped: the receiver decides about it. Never follows a link, nor
 * waits for a pipe: what lies there is the recorder's.
 */
async function readMeta(directory: string): Promise<string> {
  const path = join(directory, META_FILE);
  const flags = fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW | fsConstants.O_NONBLOCK;
  const handle = await open(path, flags).catch((error: unknown) => {
    if (isMissing(error) || errnoOf(error) === 'ELOOP') return undefined;
    throw asUnreadable(path, error);
  });
  if (!handle) return '';
  try {
    const stats = await handle.stat();
    return stats.isFile() && stats.size <= MAX_META_BYTES ? await handle.readFile('utf8') : '';
  } catch (error) {
    throw asUnreadable(path, error);
  } finally {
    await handle.close();
  }
}
