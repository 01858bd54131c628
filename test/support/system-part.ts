// Parts of the system that a test needs: without them it skips on a laptop, with the command that installs them, and fails in CI.

import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** True when `command` with `args` exits 0; otherwise the test is skipped or, in CI, fails. */
export function hasSystemPart(t: TestContext, [command = '', ...args]: string[], debianPackage: string): boolean {
  if (spawnSync(command, args, { stdio: 'ignore' }).status === 0) return true;
  const what = `needs ${command} ${args.join(' ')}: apt-get install ${debianPackage}`;
  if (process.env['CI']) throw new Error(what);
  t.skip(what);
  return false;
}
