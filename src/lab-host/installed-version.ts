// What this installation was stamped with, for what a lab host says of itself.

import { join } from 'node:path';
import { readIfThere } from '../lib/read-if-there.ts';
import { type CodeVersion, parseVersionFile } from '../protocol/episode-meta.ts';

/** Undefined when VERSION is missing, cannot be read, or names no commit. */
export async function readInstalledVersion(installRoot: string): Promise<CodeVersion | undefined> {
  const text = await readIfThere(join(installRoot, 'VERSION')).catch(() => undefined);
  return text === undefined ? undefined : (parseVersionFile(text) ?? undefined);
}
