// The two ways in which a disk refuses, told apart: no room (try again later) and a failed fsync (never again).

import { AppError } from '../../lib/app-error.ts';

export function diskFull(path: string, cause: unknown): AppError {
  return new AppError('disk-full', `no room left while writing ${path}`, {
    retryable: true,
    hint: `make room: df -h ${path}`,
    cause,
  });
}

/** After a failed fsync the kernel may have dropped the data and would report success next time: never retried. */
export function syncFailed(path: string, cause: unknown): AppError {
  return new AppError('sync-failed', `fsync of ${path} failed; what was written there may be lost`, {
    hint: 'look for disk errors: dmesg --level=err,crit',
    cause,
  });
}
