// A command's write that failed, in words for a person. No room is a thing that passes: the same command goes on.

import { AppError, isNoRoom, messageOf } from './app-error.ts';
import { shellWord } from './shell-word.ts';

function explainWriteError(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isNoRoom(error)) {
    return new AppError('disk-full', `no room left while writing ${path}`, {
      retryable: true,
      hint: `make room, then go on with the same command: df -h ${shellWord(path)}`,
      cause: error,
    });
  }
  return new AppError('cannot-write', `${path} cannot be written: ${messageOf(error)}`, {
    hint: `look at what is there, and who may write: ls -l ${shellWord(path)}`,
    cause: error,
  });
}

/** `isGone`: nothing of the file is left that could be gone on with. */
export function explainSyncError(path: string, error: unknown, isGone: boolean): AppError {
  if (isGone && isNoRoom(error)) return explainWriteError(path, error);
  const remove = isGone ? '' : `rm -f ${shellWord(path)}, and `;
  return new AppError('sync-failed', `fsync of ${path} failed; what was written there may be lost`, {
    hint: `look for disk errors: dmesg --level=err,crit; then ${remove}go on with the same command`,
    cause: error,
  });
}

/** Runs work that writes at or below `path`. Throws `disk-full`, `cannot-write`, or the `AppError` of the work. */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainWriteError(path, error);
  }
}
