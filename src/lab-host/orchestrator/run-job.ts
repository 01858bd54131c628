// One job, once: noted, recorded and published like any run of its workload, then filed with what came of it.

import { join } from 'node:path';
import type { Logger } from '../../lib/logger.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import { noteRun } from './claimed-job.ts';
import { makeEpisodeId } from './episode-id.ts';
import type { ClaimedJob, JobQueue } from './job-queue.ts';
import type { Workload } from './record-episode.ts';
import { type RunOutcome, runWorkload, type WorkloadContext } from './run-workload.ts';

const BEGIN_AGAIN_MS = 5_000;

/** True when its episode was published. Never rejects: what keeps a job from being filed is logged, and the next start files it. */
export async function runJob(
  context: WorkloadContext,
  queue: JobQueue,
  workload: Workload,
  codeVersion: CodeVersion,
  claimed: ClaimedJob,
): Promise<boolean> {
  const { job } = claimed;
  const episodeId = makeEpisodeId(workload.name, context.clock);
  try {
    await noteRun(claimed, { episode_id: episodeId, run: claimed.runs + 1 }, queue.options.afterStep);
  } catch (err) {
    context.logger.error({ err, job: job.id }, 'a job could not be begun; it waits');
    // The workload stays busy for as long: on a full disk this would go round and round.
    await context.clock.sleep(BEGIN_AGAIN_MS, context.kill);
    queue.putOff(claimed);
    return false;
  }
  const outcome = await runWorkload(context, withJob(workload, claimed), codeVersion, {
    episodeId,
    job: { id: job.id, content: job.content },
  });
  try {
    await file(context.logger, queue, claimed, episodeId, outcome);
  } catch (err) {
    context.logger.error(
      { err, job: job.id, path: claimed.directory },
      'a job could not be filed; the next start does',
    );
  }
  return outcome.kind === 'published';
}

async function file(
  logger: Logger,
  queue: JobQueue,
  claimed: ClaimedJob,
  episodeId: string,
  outcome: RunOutcome,
): Promise<void> {
  // Cut off by our own stop: it stays claimed, and the next start runs it again.
  if (outcome.kind === 'killed') return;
  const { job } = claimed;
  if (outcome.kind === 'failed') {
    await queue.refuse(claimed, outcome.reason, job.content);
    return;
  }
  const path = await queue.complete(claimed, job.content, episodeId, outcome.recorded);
  logger.info({ job: job.id, workload: job.workload, episode: episodeId, path }, 'job done');
}

function withJob(workload: Workload, { directory, fileName, job }: ClaimedJob): Workload {
  return {
    ...workload,
    command: [...workload.command, ...job.args],
    env: { ...workload.env, ...job.env, CIS490_JOB_ID: job.id, CIS490_JOB_FILE: join(directory, fileName) },
  };
}
