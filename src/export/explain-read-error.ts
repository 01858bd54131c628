// A read in the bag that failed, in words for a person.

import { AppError, errnoOf, messageOf } from '../lib/app-error.ts';
import { shellWord } from '../lib/shell-word.ts';

/** What is no failure of the system comes back as it is. */
export function explainReadError(path: string, error: unknown): unknown {
  if (error instanceof AppError || errnoOf(error) === undefined) return error;
  return new AppError('cannot-read', `${path} cannot be read: ${messageOf(error)}`, {
    hint: `look at what is there, and at its disk: ls -ld ${shellWord(path)}; dmesg --level=err,crit; then go on with the same command`,
    cause: error,
  });
}

/** Runs work that reads `path`, or below it. */
export async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainReadError(path, error);
  }
}
