// A disk of a few megabytes of a test's own: a tmpfs, which only root may mount.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const KIB = 1024;

export class SmallDisk {
  readonly path: string;
  readonly #filler: string;

  private constructor(path: string) {
    this.path = path;
    this.#filler = join(path, 'filler');
  }

  /** Undefined, and the test is skipped, where nothing may be mounted. `size` as mount takes it: `32m`. */
  static mount(t: TestContext, path: string, size: string): SmallDisk | undefined {
    mkdirSync(path, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' });
    } catch (error) {
      if (process.env['CI'] && process.getuid?.() === 0) throw error;
      t.skip('mounting is not permitted here; run as root: sudo npm test');
      return undefined;
    }
    // Before the directory that it is mounted in is removed.
    process.prependOnceListener('exit', () => execFileSync('umount', ['--lazy', path]));
    return new SmallDisk(path);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Leaves so much free, or what was left before if that is less. */
  fillUpTo(freeBytes: number): void {
    for (let size = 256 * KIB; size >= 1; size = Math.floor(size / 2)) {
      try {
        while (this.freeBytes - size >= freeBytes) writeFileSync(this.#filler, Buffer.alloc(size), { flag: 'a' });
      } catch {
        // Full for this size: on with smaller ones.
      }
    }
  }

  /** No byte more can be written, not even into a file's last page. */
  fillToTheLastByte(): void {
    for (let size = 256 * KIB; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeFileSync(this.#filler, Buffer.alloc(size), { flag: 'a' });
      } catch {
        // Full for this size: on with smaller ones.
      }
    }
  }

  removeFiller(): void {
    rmSync(this.#filler, { force: true });
  }
}
