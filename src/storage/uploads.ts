// Port: who works on a resumable upload. One request at a time; the latest wins, because the one before is most likely dead.

export interface UploadLock {
  /** Lets the next one in. Safe to call more than once. */
  release(): void;
}

export interface Uploads {
  /**
   * Resolves when the caller has the upload to itself. Whoever has it then is asked to let go, and is waited for; callers get it in
   * the order in which they came. `onTakeOver` asks this caller the same, once at most, and possibly as soon as it has the lock: stop
   * what is under way, then `release`.
   */
  lock(uploadId: string, onTakeOver: () => void): Promise<UploadLock>;
}
