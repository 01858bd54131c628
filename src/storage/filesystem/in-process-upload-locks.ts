// Upload locks in this process's memory: on this backend one receiver has the store, and its locks may die with it.

import type { UploadLock } from '../uploads.ts';

/** One caller, holding or waiting. */
interface Claim {
  onTakeOver: () => void;
  granted: (lock: UploadLock) => void;
}

export class InProcessUploadLocks {
  /** The holder, then those who wait. An upload that nobody holds has no entry. */
  readonly #claims = new Map<string, Claim[]>();

  lock(uploadId: string, onTakeOver: () => void): Promise<UploadLock> {
    return new Promise((granted) => {
      const claims = this.#claims.get(uploadId) ?? [];
      this.#claims.set(uploadId, claims);
      claims.push({ onTakeOver, granted });
      if (claims.length === 1) this.#grant(uploadId, claims);
      // Those between the holder and this one are asked when their turn comes.
      if (claims.length === 2) claims[0]?.onTakeOver();
    });
  }

  #grant(uploadId: string, claims: Claim[]): void {
    const [holder] = claims;
    if (!holder) {
      this.#claims.delete(uploadId);
      return;
    }
    holder.granted({
      release: () => {
        if (claims[0] !== holder) return;
        claims.shift();
        this.#grant(uploadId, claims);
      },
    });
    if (claims.length > 1) holder.onTakeOver();
  }
}
