// At start: each job that this host had claimed when it stopped is filed if its run was published, run again if it was not, and set
// to failed when it has been cut off too often.

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readIfThere } from '../../lib/read-if-there.ts';
import { type EpisodeMeta, META_FILE } from '../../protocol/episode-meta.ts';
import { type Claim, listClaims, readRunNote } from './claimed-job.ts';
import { finishFiling } from './file-job.ts';
import { findEpisode } from './find-episode.ts';
import { parseJob } from './job.ts';
import type { JobQueue } from './job-queue.ts';
import type { Recorded } from './record-episode.ts';

/** A job whose run takes the machine down with it must not do so for ever. */
export const MAX_RUNS = 3;

/** Only this host's claims are looked at: those of another orchestrator on the same queue are its own. */
export async function recoverJobs(queue: JobQueue): Promise<void> {
  for (const claim of await listClaims(queue.claimedDirectory)) {
    try {
      await recover(queue, claim);
    } catch (err) {
      const fields = { err, job: claim.fileName, path: claim.directory };
      queue.options.logger.error(fields, 'a job of an earlier run could not be taken up; it stays where it is');
    }
  }
}

async function recover(queue: JobQueue, claim: Claim): Promise<void> {
  const { directory, logger } = queue.options;
  if (await finishFiling(queue.filing, claim)) return;
  const parsed = parseJob(claim.fileName, await readFile(join(claim.directory, claim.fileName), 'utf8'));
  if (parsed.kind === 'malformed') {
    await queue.refuse(claim, parsed.reason, parsed.content);
    return;
  }
  const { job } = parsed;
  const note = await readRunNote(claim);
  // A host that was off for longer than shipped_keep_days runs the job again.
  const episode = note && (await findEpisode(dirname(directory), note.episode_id));
  if (note && episode) {
    const path = await queue.complete(claim, job.content, note.episode_id, await timesOf(episode));
    logger.info({ job: job.id, episode: note.episode_id, path }, 'the job was done before the last stop');
    return;
  }
  const runs = note?.run ?? 0;
  if (runs >= MAX_RUNS) {
    const reason = `the orchestrator stopped ${runs} times while it ran: either the run brings the machine down, or it takes longer than drain_max_s`;
    await queue.refuse(claim, reason, job.content);
    return;
  }
  logger.warn({ job: job.id, workload: job.workload, runs }, 'a job was cut off; it is run again');
  queue.resumed.push({ ...claim, job, runs });
}

async function timesOf(episode: string): Promise<Partial<Recorded>> {
  const text = await readIfThere(join(episode, META_FILE));
  if (text === undefined) return {};
  const { started_at_wall, ended_at_wall, duration_s, exit } = JSON.parse(text) as EpisodeMeta;
  return { started_at_wall, ended_at_wall, duration_s, exit };
}
