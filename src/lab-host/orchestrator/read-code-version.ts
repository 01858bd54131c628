// The commit that a recording is stamped with, read when it starts: never guessed, never another checkout's.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, messageOf } from '../../lib/app-error.ts';
import { parseVersionFile } from '../../protocol/episode-meta.ts';
import { type CodeVersionAnswer, isCheckout, readCheckout } from './read-checkout.ts';

/**
 * Reads `VERSION` at the root of the workload's own code where it names one, else at the install root. Code of its own without a
 * `VERSION` is stamped from git where it is a checkout; it never falls back to the install root's: that commit did not make the
 * recording.
 */
export async function readCodeVersion(installRoot: string, codeRoot: string | undefined): Promise<CodeVersionAnswer> {
  const path = join(codeRoot ?? installRoot, 'VERSION');
  const hint = `stamp it: git -C ${codeRoot ?? installRoot} rev-parse HEAD > ${path}`;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error) && codeRoot !== undefined && (await isCheckout(codeRoot))) return await readCheckout(codeRoot);
    const reason = isMissing(error) ? `${path} is missing` : `${path} cannot be read: ${messageOf(error)}`;
    return { kind: 'unstamped', reason, hint };
  }
  const codeVersion = parseVersionFile(text);
  if (codeVersion) return { kind: 'stamped', codeVersion };
  return { kind: 'unstamped', reason: `${path} holds no full git commit`, hint };
}
