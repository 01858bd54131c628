// cis490 backup: the store and all that cannot be made again, in another directory, beside a running receiver. Its stamp is touched only
// when each episode of the ledger is there, byte for byte.

import { access, constants, realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import type { Writable } from 'node:stream';
import { AppError, isMissing, messageOf } from '../../lib/app-error.ts';
import { becomeOwner } from '../../lib/become-owner.ts';
import type { Clock } from '../../lib/clock.ts';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { Logger } from '../../lib/logger.ts';
import { RateLimit } from '../../lib/rate-limit.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { Terminal } from '../../lib/terminal-line.ts';
import { openCopy, openStorageForReading } from '../../storage/open-storage.ts';
import { describeProblem, problemAsJson, type StoreProblem } from '../data-set/store-problem.ts';
import { WorkProgress } from '../data-set/work-progress.ts';
import { copyEpisodes } from './copy-episodes.ts';

export interface BackupOptions {
  /** Of the store. */
  root: string;
  directory: string;
  /** What the doctor looks at; none when undefined. */
  stamp: string | undefined;
  /** `Infinity`: as fast as it goes. */
  bytesPerS: number;
  /** The outcome as one JSON document, at the end. */
  json: boolean;
  stop: AbortSignal;
  logger: Logger;
  clock: Clock;
  output: Writable;
  /** Where progress is drawn; none without a person watching. */
  terminal: Terminal | undefined;
}

/** Resolves with the exit code. Throws `bad-input`, `not-permitted`, `already-running`, `another-ledger`, `disk-full`, `interrupted`. */
export async function runBackup(options: BackupOptions): Promise<number> {
  const { root, directory, stamp, bytesPerS, json, stop, logger, clock, output, terminal } = options;
  await becomeOwner(root);
  await requirePlace(root, directory);
  const copy = await openCopy(root, directory);
  const progress = new WorkProgress({ name: 'backing up', terminal, logger, clock });
  const print = (line: string) => {
    progress.clear();
    output.write(`${line}\n`);
  };
  const problems: StoreProblem[] = [];
  try {
    await copy.copyRecords();
    const done = await copyEpisodes({
      from: openStorageForReading(root, logger),
      to: copy,
      rateLimit: new RateLimit(bytesPerS, clock),
      progress,
      onProblem: (problem) => (json ? problems.push(problem) : print(describeProblem(problem, root))),
      stop,
    });
    if (done.kind === 'interrupted') throw new AppError('interrupted', 'interrupted; go on with the same command');
    const { kind: status, ...counts } = done;
    if (status === 'whole' && stamp !== undefined) await touch(stamp, clock);
    if (json) {
      const told = problems.map((problem) => problemAsJson(problem, root));
      print(JSON.stringify({ status, directory, ...counts, problems: told }, null, 2));
    } else {
      const episodes = `${done.episodes} episode${done.episodes === 1 ? '' : 's'}`;
      print(`${episodes}, ${formatSize(done.bytes)} in ${directory}, ${done.copied} of them new: ${status}`);
    }
    return status === 'damaged' ? 1 : 0;
  } finally {
    progress.clear();
    copy.close();
  }
}

/** It must be there, so that a disk that is not mounted is noticed; and it will hold keys. */
async function requirePlace(root: string, directory: string): Promise<void> {
  const found = await stat(directory).catch((error: unknown) => {
    if (!isMissing(error)) throw new AppError('not-permitted', messageOf(error), { cause: error });
    return undefined;
  });
  if (!found?.isDirectory()) {
    throw new AppError('bad-input', `there is no directory ${directory}`, {
      hint: `is its disk mounted? For a new backup: sudo install -d -o cis490 -g cis490 -m 700 ${shellWord(directory)}`,
    });
  }
  if ((found.mode & 0o077) !== 0) {
    throw new AppError('bad-input', `${directory} is open to others, and the backup holds the keys of the authority`, {
      hint: `sudo chmod 700 ${shellWord(directory)}`,
    });
  }
  await access(directory, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw new AppError('not-permitted', `the user of the store may not write to ${directory}`, {
      hint: `sudo chown -R cis490:cis490 ${shellWord(directory)}`,
      cause: error,
    });
  });
  const [store, place] = [await realpath(root), await realpath(directory)];
  if (`${place}${sep}`.startsWith(`${store}${sep}`) || `${store}${sep}`.startsWith(`${place}${sep}`)) {
    throw new AppError('bad-input', `${directory} and the store ${root} lie one in the other`);
  }
}

async function touch(path: string, clock: Clock): Promise<void> {
  await writeFileDurably(path, `${clock.wallTime()}\n`);
}
