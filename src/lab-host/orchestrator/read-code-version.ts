// The commit that a recording is stamped with, read when it starts: never guessed, never another checkout's.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, messageOf } from '../../lib/app-error.ts';
import { type CodeVersion, parseVersionFile } from '../../protocol/episode-meta.ts';

export type CodeVersionAnswer =
  | { kind: 'stamped'; codeVersion: CodeVersion }
  /** Nothing may be recorded; `hint` is the command that cures it. */
  | { kind: 'unstamped'; reason: string; hint: string };

/**
 * Reads `VERSION` at the root of the workload's own checkout where it names one, else at the install root. A checkout
 * without a stamp does not fall back to the install root's: that commit did not make the recording.
 */
export async function readCodeVersion(installRoot: string, codeRoot: string | undefined): Promise<CodeVersionAnswer> {
  const path = join(codeRoot ?? installRoot, 'VERSION');
  const hint = `stamp it: git -C ${codeRoot ?? installRoot} rev-parse HEAD > ${path}`;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const reason = isMissing(error) ? `${path} is missing` : `${path} cannot be read: ${messageOf(error)}`;
    return { kind: 'unstamped', reason, hint };
  }
  const codeVersion = parseVersionFile(text);
  if (codeVersion) return { kind: 'stamped', codeVersion };
  return { kind: 'unstamped', reason: `${path} holds no full git commit`, hint };
}
