// queue/: what waits there, oldest first. What is no job is set to failed/ with its reason; a job that cannot be run here as things
// stand, and what is still being written, is left alone.

import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { errnoOf, isMissing, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import { type Claim, claimJob } from './claimed-job.ts';
import { type Filing, fileJob, fileUnreadable } from './file-job.ts';
import { type Job, type JobContent, MAX_JOB_BYTES, type ParsedJob, parseJob } from './job.ts';
import type { JobStep } from './job-step.ts';
import type { Recorded } from './record-episode.ts';
import { UnknownWorkloads } from './unknown-workloads.ts';

/** A file that is no job is judged once nothing has changed it for so long: it may be half copied. */
const SETTLE_MS = 10_000;

export interface WaitingJob {
  job: Job;
  fileName: string;
  /** Where an earlier life claimed it. */
  claim?: ClaimedJob;
}

export interface ClaimedJob extends Claim {
  job: Job;
  /** How often it was run before. */
  runs: number;
}

export interface JobQueueOptions {
  /** `<data_dir>/queue` */
  directory: string;
  hostId: string;
  clock: Clock;
  logger: Logger;
  afterStep: AfterStep<JobStep>;
}

interface Seen {
  /** Changes with the file. */
  mark: string;
  sinceMs: number;
  parsed: ParsedJob;
}

export class JobQueue {
  readonly claimedDirectory: string;
  readonly options: JobQueueOptions;
  readonly filing: Filing;
  /** Claimed by an earlier life and to be run first. */
  readonly resumed: ClaimedJob[] = [];
  #seen = new Map<string, Seen>();
  readonly #trouble = new Map<string, string | undefined>();
  readonly #unknown: UnknownWorkloads;

  constructor(options: JobQueueOptions) {
    this.options = options;
    this.filing = { queueDirectory: options.directory, afterStep: options.afterStep };
    this.#unknown = new UnknownWorkloads(options.logger);
    this.claimedDirectory = join(options.directory, 'claimed', options.hostId);
  }

  async makeDirectories(): Promise<void> {
    const { directory } = this.options;
    for (const name of ['done', 'failed']) await makeDirectory(join(directory, name));
    await makeDirectory(this.claimedDirectory);
    await fsyncDirectory(join(directory, 'claimed'));
    await fsyncDirectory(directory);
  }

  /** What may run now, in order. A job that names none of `workloads` stays where it is, and is told; what is no job fails here. */
  async look(workloads: ReadonlySet<string>): Promise<WaitingJob[]> {
    const waiting: (WaitingJob & { mtimeMs: number })[] = [];
    const unknown = new Map<string, string[]>();
    const sort = (found: WaitingJob & { mtimeMs: number }) => {
      const { workload } = found.job;
      if (workloads.has(workload)) waiting.push(found);
      else unknown.getOrInsertComputed(workload, () => []).push(found.fileName);
    };
    for (const claim of this.resumed) sort({ job: claim.job, fileName: claim.fileName, claim, mtimeMs: 0 });
    const seen = new Map<string, Seen>();
    for (const [fileName, stats] of await this.#files()) {
      const known = await this.#read(fileName, stats);
      if (!known) continue;
      seen.set(fileName, known);
      const { parsed, sinceMs } = known;
      if (parsed.kind === 'job') sort({ job: parsed.job, fileName, mtimeMs: stats.mtimeMs });
      else if (this.options.clock.monotonicMs() - sinceMs >= SETTLE_MS) {
        await this.#inSpiteOfTrouble(fileName, async () => {
          const claim = await this.#claim(fileName);
          if (claim) await this.refuse(claim, parsed.reason, parsed.content);
        });
      }
    }
    this.#unknown.tell(unknown, workloads);
    this.#seen = seen;
    return waiting.sort((a, b) => a.mtimeMs - b.mtimeMs || (a.fileName < b.fileName ? -1 : 1));
  }

  /** Undefined when another orchestrator was first, when it cannot be claimed, or is no longer the job that was looked at. */
  async claim(waiting: WaitingJob): Promise<ClaimedJob | undefined> {
    const { claim: resumed } = waiting;
    if (!resumed) return await this.#inSpiteOfTrouble(waiting.fileName, () => this.#claimWaiting(waiting));
    this.resumed.splice(this.resumed.indexOf(resumed), 1);
    return resumed;
  }

  async #claimWaiting({ job, fileName }: WaitingJob): Promise<ClaimedJob | undefined> {
    const claim = await this.#claim(fileName);
    if (!claim) return undefined;
    this.#seen.delete(fileName);
    const parsed = parseJob(fileName, await readFile(join(claim.directory, fileName), 'utf8'));
    if (parsed.kind === 'job' && parsed.job.workload === job.workload) return { ...claim, job: parsed.job, runs: 0 };
    const content = parsed.kind === 'job' ? parsed.job.content : parsed.content;
    await this.refuse(
      claim,
      'it was changed while it was claimed: rename jobs into queue/, and leave them alone',
      content,
    );
    return undefined;
  }

  /** To be run at the next look: what keeps it from running now is not its own fault. */
  putOff(claimed: ClaimedJob): void {
    this.resumed.unshift(claimed);
  }

  /** To done/, with the episode that it made. Returns the path that it is filed under. */
  complete(claim: Claim, content: JobContent, episodeId: string, times: Partial<Recorded>): Promise<string> {
    const { hostId, clock } = this.options;
    const filed = { host_id: hostId, filed_at_wall: clock.wallTime() };
    return fileJob(this.filing, claim, content, { ...filed, result: 'done', episode_id: episodeId, ...times });
  }

  /** To failed/, with its reason. `content` where it is a JSON object. */
  async refuse(claim: Claim, reason: string, content: JobContent | undefined): Promise<void> {
    const { hostId, clock, logger } = this.options;
    const index = this.resumed.findIndex((resumed) => resumed.directory === claim.directory);
    if (index >= 0) this.resumed.splice(index, 1);
    const outcome = { host_id: hostId, filed_at_wall: clock.wallTime(), result: 'failed' as const, reason };
    const path = content
      ? await fileJob(this.filing, claim, content, outcome)
      : await fileUnreadable(this.filing, claim, outcome);
    logger.error({ job: claim.fileName, reason, path }, 'the job failed');
  }

  /** One file that cannot be worked on keeps none of the others waiting. Told once. */
  async #inSpiteOfTrouble<T>(fileName: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.#trouble.delete(fileName);
      return result;
    } catch (err) {
      const reason = messageOf(err);
      if (this.#trouble.get(fileName) !== errnoOf(err)) {
        const hint = `look who may write there: ls -la ${this.options.directory}`;
        this.options.logger.error({ job: fileName, reason, hint }, 'a job cannot be claimed; it is tried again');
      }
      this.#trouble.set(fileName, errnoOf(err));
      return undefined;
    }
  }

  #claim(fileName: string): Promise<Claim | undefined> {
    return claimJob(this.options.directory, this.claimedDirectory, fileName, this.options.afterStep);
  }

  /** Regular files `*.json`; not those with a leading dot, which a writer renames into place. */
  async #files(): Promise<[fileName: string, stats: Stats][]> {
    const files: [string, Stats][] = [];
    for (const entry of await readdir(this.options.directory, { withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.json') || entry.name.startsWith('.')) continue;
      try {
        files.push([entry.name, await stat(join(this.options.directory, entry.name))]);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    return files;
  }

  /** Undefined when it is gone. Reads again only what has changed. */
  async #read(fileName: string, { mtimeMs, ctimeMs, size, ino }: Stats): Promise<Seen | undefined> {
    const mark = [mtimeMs, ctimeMs, size, ino].join(' ');
    const before = this.#seen.get(fileName);
    if (before?.mark === mark) return before;
    const sinceMs = this.options.clock.monotonicMs();
    const malformed = (reason: string): Seen => ({
      mark,
      sinceMs,
      parsed: { kind: 'malformed', reason, content: undefined },
    });
    if (size > MAX_JOB_BYTES) return malformed(`it is larger than ${MAX_JOB_BYTES} bytes`);
    try {
      const text = await readFile(join(this.options.directory, fileName), 'utf8');
      return { mark, sinceMs, parsed: parseJob(fileName, text) };
    } catch (error) {
      return isMissing(error) ? undefined : malformed(`it cannot be read: ${messageOf(error)}`);
    }
  }
}
