// Directories of a test's own, removed when it has ended.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'cis490-test-'));
}

export function removeDirectory(path: string): void {
  // A program that a later hook of the test ends may still be writing into it.
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

export function temporaryDirectory(t: TestContext): string {
  const path = makeDirectory();
  t.after(() => removeDirectory(path));
  return path;
}
