// Port: the releases that hosts may be given, each a bundle and its description for every platform. Knows nothing of who is given which.

import type { Readable } from 'node:stream';
import type { Platform, Release } from '../protocol/release.ts';

export interface ReleaseKey {
  number: number;
  commit: string;
  platform: Platform;
}

export function keyOf({ release_number: number, commit, platform }: Release): ReleaseKey {
  return { number, commit, platform };
}

/** Of one release. Either of the two ends it; a second call does nothing. */
export interface StagedRelease {
  /** From here on all of it is seen; before, nothing. Durable when it resolves. Throws `disk-full`, `sync-failed`, and is ended then, too. */
  publish(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

export interface BundleToStage {
  release: Release;
  /** Undefined for a bundle that is published already, whose description is to be this one. */
  content: AsyncIterable<Uint8Array> | undefined;
}

export interface ReleasesReader {
  /** By number, then platform, rising. Only what is whole; what somebody has damaged is left out. */
  list(): Promise<Release[]>;
  /** Undefined when it is not there. */
  bundleBytes(key: ReleaseKey): Promise<number | undefined>;
  /** `end` is included. Throws `blob-missing`. */
  readBundle(key: ReleaseKey, range?: { start: number; end: number }): Promise<Readable>;
}

export interface Releases extends ReleasesReader {
  /**
   * Takes the platforms of one release in, durable and unseen, by one caller at a time. Throws `bad-input` when a bundle is not what its
   * description says, `already-running`, `disk-full`, `sync-failed`; then nothing stays.
   */
  stage(bundles: readonly BundleToStage[]): Promise<StagedRelease>;
}
