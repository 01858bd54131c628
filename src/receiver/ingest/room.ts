// Keeps the store above its reserve: what bodies under way have still to bring counts as written already.

import { AppError } from '../../lib/app-error.ts';

// A body of unknown length claims room in pieces of this size as it arrives.
const UNDECLARED_PIECE_BYTES = 4 * 1024 * 1024;

export interface Reservation {
  /** Tells how much has arrived in all. Throws `disk-reserve` when a body of unknown length outgrows the room. */
  received(totalBytes: number): Promise<void>;
  release(): void;
}

export class Room {
  readonly #freeBytes: () => Promise<number>;
  #minFreeBytes: number;
  #outstandingBytes = 0;

  constructor(freeBytes: () => Promise<number>, minFreeBytes: number) {
    this.#freeBytes = freeBytes;
    this.#minFreeBytes = minFreeBytes;
  }

  get minFreeBytes(): number {
    return this.#minFreeBytes;
  }

  /** What bodies under way have yet to bring. */
  get outstandingBytes(): number {
    return this.#outstandingBytes;
  }

  /** From now on. */
  keepFree(minFreeBytes: number): void {
    this.#minFreeBytes = minFreeBytes;
  }

  /** Of a body that was let in before a restart: nobody asks again whether it fits. */
  hold(stillToComeBytes: number, arrivedBytes: number): Reservation {
    const claimedBytes = arrivedBytes + stillToComeBytes;
    let outstandingBytes = stillToComeBytes;
    this.#outstandingBytes += outstandingBytes;
    const change = (toBytes: number) => {
      this.#outstandingBytes += toBytes - outstandingBytes;
      outstandingBytes = toBytes;
    };
    return {
      received: async (totalBytes) => change(Math.max(0, claimedBytes - totalBytes)),
      release: () => change(0),
    };
  }

  /** `declaredBytes` is undefined for a chunked body. Throws `disk-reserve`. */
  async reserve(declaredBytes: number | undefined): Promise<Reservation> {
    let claimedBytes = declaredBytes ?? UNDECLARED_PIECE_BYTES;
    let outstandingBytes = 0;
    const claim = async (bytes: number) => {
      // Counted before the look at the disk, so that two claims at once cannot both take the last room.
      this.#outstandingBytes += bytes;
      outstandingBytes += bytes;
      const freeBytes = await this.#freeBytes().catch((error: unknown) => {
        release();
        throw error;
      });
      // Who brings nothing takes nothing of what others were promised.
      const promisedBytes = bytes === 0 ? 0 : this.#outstandingBytes - bytes;
      if (freeBytes - promisedBytes - bytes >= this.#minFreeBytes) return;
      release();
      const promised = promisedBytes > 0 ? `, ${promisedBytes} of them for what is under way,` : '';
      throw new AppError(
        'disk-reserve',
        `the store has ${freeBytes} bytes free${promised} and keeps ${this.#minFreeBytes} in reserve; ${bytes} more do not fit`,
        { retryable: true },
      );
    };
    const release = () => {
      this.#outstandingBytes -= outstandingBytes;
      outstandingBytes = 0;
    };
    await claim(claimedBytes);
    return {
      received: async (totalBytes) => {
        if (totalBytes > claimedBytes) {
          claimedBytes += UNDECLARED_PIECE_BYTES;
          await claim(UNDECLARED_PIECE_BYTES);
        }
        const stillToComeBytes = Math.max(0, claimedBytes - totalBytes);
        this.#outstandingBytes -= outstandingBytes - stillToComeBytes;
        outstandingBytes = stillToComeBytes;
      },
      release,
    };
  }
}
