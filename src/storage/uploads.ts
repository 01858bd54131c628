// Port: resumable uploads under way. What was told of one as received is there in order, also after a crash of this process; what a power
// cut takes of it shows in its length, or in the digest at the end.

import type { BlobKey, BlobWrite, UnfinishedBlob } from './blob-store.ts';

/** What was declared at its creation. */
export interface Upload {
  uploadId: string;
  key: BlobKey;
  sha256: string;
  sizeBytes: number;
  /** As the client gave it; null for a name without a value. */
  metadata: Record<string, string | null>;
  createdAtWall: string;
}

export interface UploadLock {
  /** Lets the next one in. Safe to call more than once. */
  release(): void;
}

/** Bytes on their way to the end of what is there. */
export interface UploadAppend {
  /**
   * Takes the next bytes, for good: nobody else changes or reads them from then on. Resolves when more may come. Throws `disk-full`: then
   * only `end` is allowed.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Writes what has gathered. Throws `disk-full`: then a part of it may be there. */
  end(): Promise<void>;
}

/** How long nothing came for each, in the receiver's own running time; and which have expired, the oldest first. */
export interface UploadAges {
  idleS: Record<string, number>;
  expired: { uploadId: string; hostId: string }[];
}

export interface RecoveredUploads {
  uploads: { upload: Upload; offsetBytes: number }[];
  /** Published, but whether they have their rows is not known. */
  unfinished: UnfinishedBlob[];
  removed: { files: number; sizeBytes: number };
}

export interface Uploads {
  /**
   * Resolves when the caller has the upload to itself. Whoever has it then is asked to let go, and is waited for; callers get it in
   * the order in which they came. `onTakeOver` asks this caller the same, once at most, and possibly as soon as it has the lock: stop
   * what is under way, then `release`.
   */
  lock(uploadId: string, onTakeOver: () => void): Promise<UploadLock>;
  /** Durable when it resolves. Throws `disk-full`: then nothing is there. */
  create(upload: Upload): Promise<void>;
  /** How many bytes are there. Undefined when there is no such upload. */
  offsetOf(uploadId: string): Promise<number | undefined>;
  /** Goes on at the end of what is there. One at a time. */
  append(upload: Upload): Promise<UploadAppend>;
  /** The whole of it, as if a PUT had brought it: published by the same steps. Whatever comes of it, `remove` ends the upload. */
  whole(upload: Upload): Pick<BlobWrite, 'commit' | 'finish'>;
  /** Nothing of it is left when this resolves. */
  remove(uploadId: string): Promise<void>;
  /** Undefined when none are known: then everything counts as new. */
  readAges(): Promise<UploadAges | undefined>;
  writeAges(ages: UploadAges): Promise<void>;
  /** After a crash, before anything else: tells what is under way, and drops what is only half-made. */
  recover(): Promise<RecoveredUploads>;
}
