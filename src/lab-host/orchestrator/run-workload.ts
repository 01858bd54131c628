// One workload, once: recorded, then published or set aside. Its failure is logged and never stops the others.

import { join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CodeVersion, EpisodeMeta } from '../../protocol/episode-meta.ts';
import { abandonRecording } from './abandon-recordings.ts';
import { makeEpisodeId } from './episode-id.ts';
import { type PublishStep, publishEpisode } from './publish-episode.ts';
import { type Recorded, recordEpisode, type Workload } from './record-episode.ts';

export interface WorkloadContext {
  hostId: string;
  recordingDirectory: string;
  episodesDirectory: string;
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  logger: Logger;
  kill: AbortSignal;
  afterStep: AfterStep<PublishStep>;
}

export type RunOutcome =
  /** Whatever the command's exit. */
  | { kind: 'published'; recorded: Recorded }
  /** By our own stop; the recording is set aside. */
  | { kind: 'killed' }
  | { kind: 'failed'; reason: string };

/** What a job adds to a run: the episode that it was told to make, and what goes into its meta.json. */
export interface RunForJob {
  episodeId: string;
  job: NonNullable<EpisodeMeta['job']>;
}

/** Never rejects. */
export async function runWorkload(
  context: WorkloadContext,
  workload: Workload,
  codeVersion: CodeVersion,
  forJob?: RunForJob,
): Promise<RunOutcome> {
  const { hostId, clock, logger, kill, environment } = context;
  const episodeId = forJob?.episodeId ?? makeEpisodeId(workload.name, clock);
  const directory = join(context.recordingDirectory, episodeId);
  try {
    const outcome = await recordEpisode({ workload, hostId, episodeId, directory, environment, clock, kill });
    if (outcome.kind === 'not-started') {
      await fail(context, workload, episodeId, outcome.error);
      return { kind: 'failed', reason: outcome.error.message };
    }
    if (outcome.kind === 'killed') {
      const reason = 'the orchestrator was stopped, and the recording did not end within drain_max_s';
      const path = await abandonRecording(context, episodeId, reason);
      logger.warn({ workload: workload.name, episode: episodeId, path }, 'killed a recording to stop');
      return { kind: 'killed' };
    }
    if (outcome.leftBehind) {
      const fields = { workload: workload.name, episode: episodeId };
      logger.warn(fields, 'the command ended before its child processes: they were ended too');
    }
    await publish(context, workload, { episodeId, codeVersion, recorded: outcome.recorded, job: forJob?.job });
    return { kind: 'published', recorded: outcome.recorded };
  } catch (error) {
    await fail(context, workload, episodeId, error);
    return { kind: 'failed', reason: messageOf(error) };
  }
}

interface FinishedRun {
  episodeId: string;
  codeVersion: CodeVersion;
  recorded: Recorded;
  job: RunForJob['job'] | undefined;
}

async function publish(
  { hostId, recordingDirectory, episodesDirectory, logger, afterStep }: WorkloadContext,
  workload: Workload,
  { episodeId, codeVersion, recorded, job }: FinishedRun,
): Promise<void> {
  const meta: Omit<EpisodeMeta, 'files'> = {
    episode_id: episodeId,
    host_id: hostId,
    schema_version: workload.schema_version ?? null,
    workload: workload.name,
    ...recorded,
    code_version: codeVersion,
    ...(job && { job }),
  };
  const recordedDirectory = join(recordingDirectory, episodeId);
  const { files, bytes, unlisted } = await publishEpisode({ recordedDirectory, episodesDirectory, meta, afterStep });
  const exit = exitWord(recorded.exit);
  // Other programs read this line: its message and the names of its fields are a contract.
  logger.info(
    {
      host: hostId,
      episode: episodeId,
      workload: workload.name,
      commit: codeVersion.commit,
      files,
      bytes,
      duration_s: recorded.duration_s,
      exit,
    },
    'episode recorded',
  );
  const about = { workload: workload.name, episode: episodeId };
  if (exit !== '0') {
    const hint = `read stderr.log in ${join(episodesDirectory, episodeId)}`;
    logger.warn({ ...about, exit, hint }, 'the workload failed; what it recorded was published with its exit');
  }
  if (unlisted > 0) logger.warn({ ...about, unlisted }, 'the episode has entries that meta.json cannot list');
}

/** `0`, another exit code, a signal's name, or `timed-out`. */
function exitWord({ code, signal, timed_out }: EpisodeMeta['exit']): string {
  if (timed_out) return 'timed-out';
  return signal ?? String(code);
}

async function fail(context: WorkloadContext, workload: Workload, episodeId: string, error: unknown): Promise<void> {
  const { logger } = context;
  const hint = error instanceof AppError ? error.hint : undefined;
  const about = { workload: workload.name, episode: episodeId };
  let path: string | undefined;
  try {
    path = await abandonRecording(context, episodeId, messageOf(error));
  } catch (err) {
    logger.error({ err, ...about }, 'could not set a failed recording aside; the next start does');
  }
  logger.error({ err: error, ...about, command: workload.command, path, hint }, 'the recording failed');
}
