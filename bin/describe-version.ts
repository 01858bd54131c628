// What `cis490 --version` tells: the version, the commit that this tree was made from, and the Node that runs it.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSTALL_ROOT } from '../src/lib/install-root.ts';

export function describeVersion(version: string): string {
  return `cis490 ${version}\ncommit ${stampedCommit() ?? checkedOutCommit() ?? 'unknown'}\nnode   ${process.version}\n`;
}

/** As the installer stamped it: JSON, or a bare commit. */
function stampedCommit(): string | undefined {
  try {
    const text = readFileSync(join(INSTALL_ROOT, 'VERSION'), 'utf8').trim();
    if (/^[0-9a-f]{40,64}$/.test(text)) return text;
    const { commit, dirty } = JSON.parse(text) as { commit: unknown; dirty?: unknown };
    return typeof commit === 'string' ? `${commit}${dirty === true ? ' (modified)' : ''}` : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where this is no checkout, or git is not there or refuses. */
function checkedOutCommit(): string | undefined {
  try {
    const args = [
      '-C',
      INSTALL_ROOT,
      '--no-optional-locks',
      'describe',
      '--always',
      '--exclude=*',
      '--abbrev=40',
      '--dirty',
    ];
    const told = execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return told.replace(/-dirty$/, ' (modified)');
  } catch {
    return undefined;
  }
}
