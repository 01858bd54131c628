// A job that is ours: its directory `queue/claimed/<host_id>/<claim>/`, which holds the job's file under its own name and, in dot
// files, what we know of it. The directory is what a crash leaves, and all that the next start needs.

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import { isMissing } from '../../lib/app-error.ts';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { isThere } from '../../lib/is-there.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import type { JobStep } from './job-step.ts';

const RUN_FILE = '.run.json';
export const OUTCOME_FILE = '.outcome.json';

export interface Claim {
  /** `queue/claimed/<host_id>/<claim>` */
  directory: string;
  /** The job's file in it, named as it was in queue/. */
  fileName: string;
}

const runSchema = z.object({ episode_id: z.string(), run: z.int().min(1) });
/** Written before each run: which episode it makes, and the how many-th run it is. */
export type RunNote = z.infer<typeof runSchema>;

/**
 * Moves `queue/<fileName>` into a new directory of `claimedDirectory`. rename(2) is the only arbiter: of all that try, on whichever
 * machine, one moves it; the others find it missing and get undefined.
 */
export async function claimJob(
  queueDirectory: string,
  claimedDirectory: string,
  fileName: string,
  afterStep: AfterStep<JobStep>,
): Promise<Claim | undefined> {
  // A directory of its own: a later job may have the same file name, and rename(2) would put one over the other.
  const directory = join(claimedDirectory, randomBytes(6).toString('hex'));
  await mkdir(directory);
  afterStep('claim-made');
  const target = join(directory, fileName);
  try {
    await rename(join(queueDirectory, fileName), target);
  } catch (error) {
    if (!isMissing(error)) {
      await rm(directory, { recursive: true });
      throw error;
    }
    // NFS may have done it, lost the answer, and said ENOENT to its own second try.
    if (!(await isThere(target))) {
      await rm(directory, { recursive: true });
      return undefined;
    }
  }
  afterStep('job-claimed');
  for (const path of [directory, claimedDirectory, queueDirectory]) await fsyncDirectory(path);
  afterStep('claim-synced');
  return { directory, fileName };
}

/** What an earlier life claimed. A directory without a job is removed: its job never came, or is filed. */
export async function listClaims(claimedDirectory: string): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const entry of await readdir(claimedDirectory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const directory = join(claimedDirectory, entry.name);
    const fileName = (await readdir(directory)).find((name) => !name.startsWith('.'));
    if (fileName === undefined) await rm(directory, { recursive: true });
    else claims.push({ directory, fileName });
  }
  return claims;
}

export async function noteRun({ directory }: Claim, note: RunNote, afterStep: AfterStep<JobStep>): Promise<void> {
  await writeFileDurably(join(directory, RUN_FILE), toJsonFile(note));
  afterStep('run-noted');
}

/** Undefined when the job was never run. */
export async function readRunNote({ directory }: Claim): Promise<RunNote | undefined> {
  const text = await readIfThere(join(directory, RUN_FILE));
  return text === undefined ? undefined : runSchema.parse(JSON.parse(text));
}
