// Whether uploads move on from one attempt to the next, by the receiver's word alone: what has left here may lie in buffers and be lost.

// Ten seconds of a link of 200 kbit/s, and far more than the requests that an attempt costs: the largest episode then comes to its end in a
// bounded number of attempts, and a link that lets a few packets through at a time still counts as failing.
const MOVED_BYTES = 256 * 1024;

export class UploadProgress {
  readonly #offsetBytes = new Map<string, number>();

  /** `offsetBytes`: what the receiver says that it has of it now. True when that is well beyond what it had when it was last asked. */
  hasMoved(path: string, offsetBytes: number): boolean {
    const beforeBytes = this.#offsetBytes.get(path);
    this.#offsetBytes.set(path, offsetBytes);
    return beforeBytes !== undefined && offsetBytes - beforeBytes >= MOVED_BYTES;
  }

  /** It has come to its end, one way or another. */
  forget(path: string): void {
    this.#offsetBytes.delete(path);
  }
}
