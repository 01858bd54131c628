// gate.json: the last commits that the gate learned, so that a restart with the forge down keeps working. It only ever lets
// commits in; what cannot be read or is of another branch is left aside, and a failure to write it costs nothing else.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError, isMissing, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { commitSchema } from '../../protocol/commit.ts';
import { SOURCE_NAMES } from './commit-source.ts';

export const GATE_FILE = 'gate.json';
const FORMAT_VERSION = 1;
const WRITE_EVERY_MS = 60_000;

const gateFileSchema = z.object({
  format_version: z.literal(FORMAT_VERSION),
  /** Where the branch is learned from: the repository's address or path. */
  repository: z.string(),
  branch: z.string(),
  /** Newest first. */
  commits: z.array(commitSchema),
  /** Who told these commits. */
  learned_from: z.enum(SOURCE_NAMES),
  /** Commits that count beside the window, because a fallback knew them. */
  added_commits: z.array(commitSchema),
  /** Who stood behind the gate when this was written. */
  source: z.enum(SOURCE_NAMES).nullable(),
  refreshed_at_wall: z.string().nullable(),
  last_error: z.string().nullable(),
});
export type GateFileContent = z.infer<typeof gateFileSchema>;
/** What changes; the rest is told from the configuration. */
export type GateFileState = Omit<GateFileContent, 'format_version' | 'repository' | 'branch'>;

export interface LearnedFrom {
  repository: string;
  branch: string;
}

/** Undefined when there is none. Throws `bad-gate-file` when it cannot be read or is not of this repository and branch. */
export function readGateFile(path: string, { repository, branch }: LearnedFrom): GateFileContent | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw badGateFile(path, messageOf(error), error);
  }
  const content = parseGateFile(path, text);
  if (content.repository === repository && content.branch === branch) return content;
  throw badGateFile(path, `it is of branch ${content.branch} of ${content.repository}`);
}

function parseGateFile(path: string, text: string): GateFileContent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badGateFile(path, 'it is not whole JSON', error);
  }
  const version = z.object({ format_version: z.int().min(FORMAT_VERSION + 1) }).safeParse(value);
  if (version.success) throw badGateFile(path, `a later release wrote it (format ${version.data.format_version})`);
  const parsed = gateFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badGateFile(path, `it is no ${GATE_FILE}: ${z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ')}`);
}

function badGateFile(path: string, reason: string, cause?: unknown): AppError {
  return new AppError('bad-gate-file', `${path} is left aside: ${reason}`, {
    hint: 'nothing is to be done: it is written anew when the branch is next read',
    cause,
  });
}

export interface GateFileWriterOptions extends LearnedFrom {
  path: string;
  clock: Clock;
  logger: Logger;
}

/** Writes one at a time; what came meanwhile is written after it, and of several only the last. */
export class GateFileWriter {
  readonly #options: GateFileWriterOptions;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #waiting: GateFileState | undefined;
  #running: Promise<void> | undefined;
  #isFailing = false;

  constructor(options: GateFileWriterOptions) {
    this.#options = options;
  }

  /** At once when `isNews`, else once a minute at most. */
  note(isNews: boolean, state: () => GateFileState): void {
    if (!isNews && this.#options.clock.monotonicMs() - this.#writtenAtMs < WRITE_EVERY_MS) return;
    this.#writtenAtMs = this.#options.clock.monotonicMs();
    this.#waiting = state();
    this.#running ??= this.#writeAll().finally(() => {
      this.#running = undefined;
    });
  }

  async settled(): Promise<void> {
    await this.#running;
  }

  async #writeAll(): Promise<void> {
    for (let state = this.#waiting; state; state = this.#waiting) {
      this.#waiting = undefined;
      await this.#write(state);
    }
  }

  async #write(state: GateFileState): Promise<void> {
    const { path, repository, branch, logger } = this.#options;
    const content: GateFileContent = { format_version: FORMAT_VERSION, repository, branch, ...state };
    try {
      await writeFileDurably(path, toJsonFile(content), { mode: 0o644 });
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) {
        logger.warn({ path, reason: messageOf(error) }, 'version gate: what it knows cannot be kept for a restart');
      }
      this.#isFailing = true;
    }
  }
}
