// VERSION on disk: which code a tree is.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../lib/app-error.ts';
import { type CodeVersion, parseVersionFile } from './episode-meta.ts';

/** Undefined when `<root>/VERSION` is missing; `malformed` when it says no commit. */
export async function readVersionFile(root: string): Promise<CodeVersion | undefined | 'malformed'> {
  try {
    return parseVersionFile(await readFile(join(root, 'VERSION'), 'utf8')) ?? 'malformed';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
