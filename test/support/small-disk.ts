// A disk of a few megabytes of a test's own: a tmpfs, which only root may mount.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const KIB = 1024;

export class SmallDisk {
  readonly path: string;
  readonly #filler: string;
  #isShrunk = false;

  private constructor(path: string) {
    this.path = path;
    this.#filler = join(path, 'filler');
  }

  /** Undefined, and the test is skipped, where nothing may be mounted. `size` as mount takes it: `32m`. */
  static mount(t: TestContext, path: string, size: string): SmallDisk | undefined {
    const disk = SmallDisk.tryMount(path, size);
    if (!disk) t.skip('mounting is not permitted here; run as root: sudo npm test');
    // Before the directory that it is mounted in is removed.
    else process.prependOnceListener('exit', () => disk.unmount());
    return disk;
  }

  /** Undefined where nothing may be mounted; for root in CI that is an error. */
  static tryMount(path: string, size: string): SmallDisk | undefined {
    mkdirSync(path, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' });
    } catch (error) {
      if (process.env['CI'] && process.getuid?.() === 0) throw error;
      return undefined;
    }
    return new SmallDisk(path);
  }

  unmount(): void {
    execFileSync('umount', ['--lazy', this.path]);
  }

  /** Unmounts it; what was on it lies in the same place then, on the disk below. */
  dissolve(): void {
    const copy = `${this.path}.copy`;
    cpSync(this.path, copy, { recursive: true });
    this.unmount();
    rmdirSync(this.path);
    renameSync(copy, this.path);
  }

  get isShrunk(): boolean {
    return this.#isShrunk;
  }

  resize(size: string): void {
    this.#remount(size);
    this.#isShrunk = false;
  }

  /** As small as what is on it, whoever writes there meanwhile: no page more can be had. */
  shrinkToContent(): void {
    this.#isShrunk = true;
    for (;;) {
      const usedBytes = this.#usedBytes;
      try {
        // No size at all would be no bound at all.
        this.#remount(String(Math.max(usedBytes, KIB)));
        return;
      } catch (error) {
        // It has grown since it was measured, or that is not why.
        if (this.#usedBytes <= usedBytes) throw error;
      }
    }
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

  get #usedBytes(): number {
    const { blocks, bfree, bsize } = statfsSync(this.path);
    return (blocks - bfree) * bsize;
  }

  #remount(size: string): void {
    execFileSync('mount', ['-o', `remount,size=${size}`, this.path], { stdio: 'pipe' });
  }
}
