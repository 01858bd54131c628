// Directories of a test's own. They are removed when the process of the test file ends: a test's hooks run in the order in which they
// were registered, so that one of them would remove the directory while a later one has yet to end a program that works in it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export function makeDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'cis490-test-'));
  process.setMaxListeners(0);
  process.once('exit', () => removeDirectory(path));
  return path;
}

export function removeDirectory(path: string): void {
  // A program that has just been killed may have a last write under way.
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

export function temporaryDirectory(_t: TestContext): string {
  return makeDirectory();
}
