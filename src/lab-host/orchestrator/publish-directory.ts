// cis490 publish: hands a directory that any recorder made over as an episode. A kill at any step leaves the original whole or the
// episode published, and nothing half-done in episodes/.

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import { isEpisodeId } from '../../protocol/ids.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { type CompletedMeta, completeMeta, type GivenMeta } from './complete-meta.ts';
import { makeEpisodeId } from './episode-id.ts';
import { type Published, type PublishStep, publishEpisode } from './publish-episode.ts';
import { readRecorderMeta, refuseTaken, sourceOf } from './publish-source.ts';
import { asUser, becomeWhoMayPublish, type User } from './publish-user.ts';
import { makeStaging, sweepStagings } from './staging.ts';
import { copyTree, giveTree, lookOfTree, removeTree } from './tree-commands.ts';

export type DirectoryStep = PublishStep | 'staging-made' | 'copied' | 'original-removed' | 'staging-removed';

export interface PublishDirectoryOptions {
  directory: string;
  given: GivenMeta;
  /** Leaves the original where it is. */
  keep: boolean;
  config: Pick<LabHostConfig, 'host_id' | 'paths'>;
  logger: Logger;
  clock: Clock;
  afterStep: AfterStep<DirectoryStep>;
}

interface Work extends PublishDirectoryOptions {
  /** The directory without links in its path. */
  source: string;
  meta: CompletedMeta;
  hasMeta: boolean;
  recordingDirectory: string;
  episodesDirectory: string;
}

const CURES: Record<string, string> = {
  EACCES: 'run it again with sudo',
  EPERM: 'run it again with sudo',
  EROFS: 'publish a copy of it: --keep',
  ENOSPC: 'make room on the disk of the data directory: df -h',
};

/**
 * Moved by one rename on the filesystem of the data; copied otherwise, or with `keep`, and the original removed once the copy is
 * published. Returns the id. Throws `bad-input`, `episode-exists`, `not-permitted`, `publish-failed`, `command-failed` or
 * the system's error.
 */
export async function publishDirectory(options: PublishDirectoryOptions): Promise<string> {
  try {
    return await publishIt(options);
  } catch (error) {
    const hint = CURES[errnoOf(error) ?? ''];
    if (error instanceof AppError || !hint) throw error;
    throw new AppError('publish-failed', `${options.directory} could not be published: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

async function publishIt(options: PublishDirectoryOptions): Promise<string> {
  const { given, config, logger, clock } = options;
  const dataDir = config.paths.data_dir;
  if (given.id !== undefined && !isEpisodeId(given.id)) {
    const hint = '1 to 128 of A-Z a-z 0-9 . _ - and a letter or digit first';
    throw new AppError('bad-input', `${JSON.stringify(given.id)} is no episode id`, { hint });
  }
  const source = await sourceOf(options.directory, dataDir);
  const owner = await becomeWhoMayPublish(source, dataDir);
  const recordingDirectory = join(dataDir, 'recording');
  const episodesDirectory = join(dataDir, 'episodes');

  const own = await readRecorderMeta(source);
  const meta = completeMeta(own ?? {}, given, config.host_id, () => {
    const name = basename(source);
    return isEpisodeId(name) ? name : makeEpisodeId('publish', clock);
  });
  await refuseTaken(dataDir, meta.episode_id);
  const work: Work = { ...options, source, meta, hasMeta: own !== undefined, recordingDirectory, episodesDirectory };

  if (existsSync(recordingDirectory)) await sweepStagings(recordingDirectory, logger);
  const moved = await asUser(owner, async () => {
    await makeDirectory(recordingDirectory);
    await makeDirectory(episodesDirectory);
    await fsyncDirectory(dataDir);
    if (options.keep) return toCopy(work, '--keep');
    if (owner) return toCopy(work, 'it does not all belong to the user of the data directory');
    if (!(await isOnOneFilesystem(source, episodesDirectory)))
      return toCopy(work, 'it is on another filesystem than the data directory');
    return await move(work);
  });
  tell(work, moved.kind === 'moved' ? moved.published : await copy(moved, owner));
  return meta.episode_id;
}

interface ToCopy {
  kind: 'to-copy';
  work: Work;
  because: string;
}

function toCopy(work: Work, because: string): ToCopy {
  return { kind: 'to-copy', work, because };
}

/** The kernel may not rename across what looks like one filesystem (bind mounts, overlays, quotas of projects): then it is copied. */
async function move(work: Work): Promise<{ kind: 'moved'; published: Published } | ToCopy> {
  try {
    return { kind: 'moved', published: await publishFrom(work, work.source) };
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (!['EXDEV', 'EBUSY'].includes(code)) throw error;
    // The meta.json that the try has left in it is ours.
    return toCopy({ ...work, hasMeta: true }, `the system does not move it into the data directory (${code})`);
  }
}

async function copy({ work, because }: ToCopy, owner: User | undefined): Promise<Published> {
  const { source, keep, recordingDirectory, logger, afterStep } = work;
  const original = keep ? 'stays' : 'is removed once the copy is published';
  logger.info({ path: source, to: recordingDirectory, because, original }, 'the directory is copied');
  const staging = await asUser(owner, () => makeStaging(recordingDirectory));
  afterStep('staging-made');
  let published: Published;
  try {
    const target = join(staging.directory, work.meta.episode_id);
    const lookBefore = keep ? '' : await lookOfTree(source);
    await copyTree(source, target);
    if (owner) await giveTree(target, owner.uid, owner.gid);
    afterStep('copied');
    published = await asUser(owner, () => publishFrom(work, target));
    if (!keep) {
      if ((await lookOfTree(source)) === lookBefore) await removeOriginal(source, logger);
      else tellChanged(source, logger);
    }
    afterStep('original-removed');
  } finally {
    await staging.remove();
  }
  afterStep('staging-removed');
  return published;
}

function publishFrom(work: Work, recordedDirectory: string): Promise<Published> {
  const { meta, hasMeta, episodesDirectory, afterStep } = work;
  return publishEpisode({ recordedDirectory, episodesDirectory, meta, replaceMeta: hasMeta, afterStep });
}

/** Somebody still records into it: what came late is not in the episode, and must not be lost with the original. */
function tellChanged(source: string, logger: Logger): void {
  const hint = 'publish when the recorder has ended; what is new in it can be published again under another --id';
  logger.warn(
    { path: source, hint },
    'the directory changed while it was copied: the episode has what was there first, and the original stays',
  );
}

/** It is published: what cannot be removed now is a warning, not a failure. */
async function removeOriginal(source: string, logger: Logger): Promise<void> {
  try {
    await removeTree(source);
  } catch (error) {
    const fields = { path: source, reason: messageOf(error), hint: 'remove it by hand' };
    logger.warn(fields, 'the episode is published, and its original could not be removed');
  }
}

function tell({ meta, config, source, logger }: Work, { files, bytes, unlisted }: Published): void {
  const commit = meta.code_version?.commit;
  const fields = { host: config.host_id, episode: meta.episode_id, commit, files, bytes, from: source };
  logger.info(fields, 'episode published');
  if (unlisted > 0)
    logger.warn({ episode: meta.episode_id, unlisted }, 'the episode has entries that meta.json cannot list');
  if (commit === undefined) {
    const hint = 'name the commit of the recording code with --commit, or in meta.json';
    logger.warn(
      { episode: meta.episode_id, hint },
      'the episode has no code commit, and a receiver with a gate refuses it',
    );
  }
}

async function isOnOneFilesystem(a: string, b: string): Promise<boolean> {
  return (await stat(a)).dev === (await stat(b)).dev;
}
