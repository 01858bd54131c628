// Whether there is room for a release before anything of it is written.

import { AppError } from '../../lib/app-error.ts';
import { formatSize } from '../../lib/format-size.ts';
import { freeBytesOf } from '../free-bytes.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

// For the file system's own needs, and for what else writes meanwhile.
const SPARE_BYTES = 64 * 1024 * 1024;

/** Throws `no-room`, with the numbers. */
export async function requireRoom(
  { layout }: Pick<UpdateDependencies, 'layout'>,
  needBytes: number,
  what: string,
): Promise<void> {
  // Which may be a file system of their own.
  const free = await freeBytesOf(layout.releases);
  const need = needBytes + SPARE_BYTES;
  if (free >= need) return;
  throw new AppError(
    'no-room',
    `${what} needs ${formatSize(need)} in ${layout.releases}, and ${formatSize(free)} are free`,
    {
      hint: `make room: df -h ${layout.releases}; du -sh ${layout.releases}/*`,
      retryable: true,
    },
  );
}
