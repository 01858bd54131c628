// The end of a job: in queue/done/ or queue/failed/ with what came of it, durable, and only then no longer claimed. A name that is
// taken is never overwritten.

import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import { errnoOf } from '../../lib/app-error.ts';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { lstatIfThere } from '../../lib/is-there.ts';
import { type Claim, OUTCOME_FILE } from './claimed-job.ts';
import type { JobContent } from './job.ts';
import type { JobStep } from './job-step.ts';
import type { Recorded } from './record-episode.ts';

/** Written into the job's file under `outcome`. */
export type JobOutcome = { host_id: string; filed_at_wall: string } & (
  | ({ result: 'done'; episode_id: string } & Partial<Recorded>)
  | { result: 'failed'; reason: string }
);

const filedSchema = z.looseObject({ outcome: z.looseObject({ result: z.enum(['done', 'failed']) }) });

export interface Filing {
  queueDirectory: string;
  afterStep: AfterStep<JobStep>;
}

/**
 * Order: outcome written into the claim and fsynced → linked into done/ or failed/ → that directory fsynced → claim removed.
 * Returns the path that it is filed under.
 */
export async function fileJob(filing: Filing, claim: Claim, content: JobContent, outcome: JobOutcome): Promise<string> {
  await writeFileDurably(join(claim.directory, OUTCOME_FILE), toJsonFile({ ...content, outcome }));
  filing.afterStep('outcome-written');
  return await putAway(filing, claim, outcome.result);
}

/**
 * For what is no JSON object, and so has no room for an outcome: kept as it is, with the reason in `<name>.reason` beside it. Renamed
 * over a name that was taken first, not linked: the kernel lets nobody link a file that he may not write (protected_hardlinks,
 * proc_sys_fs(5)). A crash between the two leaves an empty file, and files the job under another number.
 */
export async function fileUnreadable(filing: Filing, claim: Claim, outcome: JobOutcome): Promise<string> {
  const failed = join(filing.queueDirectory, 'failed');
  const path = await takeFreeName(failed, claim.fileName, async (free) => {
    await (await open(free, 'wx')).close();
  });
  await writeFileDurably(`${path}.reason`, toJsonFile({ outcome }));
  filing.afterStep('outcome-written');
  await rename(join(claim.directory, claim.fileName), path);
  filing.afterStep('job-filed');
  await endClaim(filing, claim, failed);
  return path;
}

/** After a crash: files what has its outcome already. False when it has none. */
export async function finishFiling(filing: Filing, claim: Claim): Promise<boolean> {
  const path = join(claim.directory, OUTCOME_FILE);
  const stats = await lstatIfThere(path);
  if (!stats) return false;
  const { outcome } = filedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  if (stats.nlink > 1) await endClaim(filing, claim, join(filing.queueDirectory, outcome.result));
  else await putAway(filing, claim, outcome.result);
  return true;
}

async function putAway(filing: Filing, claim: Claim, result: JobOutcome['result']): Promise<string> {
  const directory = join(filing.queueDirectory, result);
  const source = join(claim.directory, OUTCOME_FILE);
  const path = await takeFreeName(directory, claim.fileName, (free) => link(source, free));
  filing.afterStep('job-filed');
  await endClaim(filing, claim, directory);
  return path;
}

async function endClaim({ afterStep }: Filing, claim: Claim, filedIn: string): Promise<void> {
  await fsyncDirectory(filedIn);
  afterStep('filed-synced');
  await rm(claim.directory, { recursive: true, force: true });
  afterStep('claim-removed');
}

// A name of 255 bytes, the most that Linux takes, leaves no room for a number.
const MAX_NUMBERED_STEM = 50;

/** `a.json`, `a.2.json`, … `take` makes the name, and fails with EEXIST where it is taken, also when two do it at once. */
async function takeFreeName(
  directory: string,
  fileName: string,
  take: (path: string) => Promise<void>,
): Promise<string> {
  const stem = fileName.replace(/\.json$/, '');
  const base = Buffer.byteLength(stem) > 4 * MAX_NUMBERED_STEM ? stem.slice(0, MAX_NUMBERED_STEM) : stem;
  for (let n = 1; ; n += 1) {
    const path = join(directory, n === 1 ? `${base}.json` : `${base}.${n}.json`);
    try {
      await take(path);
      return path;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}
