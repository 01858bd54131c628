// One file away. `rm` of node:fs looks at it first, twice, in the event loop; unlink(2) alone is enough for what is no directory.

import { unlink } from 'node:fs/promises';
import { isMissing } from './app-error.ts';

/** It is no longer there, or never was, when this resolves. Throws the system's error. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}
