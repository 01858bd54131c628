// How many episodes went to quarantine within the last hour, and how many of them without the receiver being sent them: a host that has
// learnt what is refused makes no attempts that the receiver could count. Kept in memory, by the minute.

import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { isGateCode } from './gate-codes.ts';
import { readReason, type StoredReason } from './queue-tools/settled-episodes.ts';

const MINUTE_MS = 60_000;
const KEPT_MINUTES = 60;
// Of those whose reasons have not been read yet; more are counted without one.
const MOST_UNREAD = 10_000;

export interface RecentQuarantines {
  episodes: number;
  without_asking: number;
  /** The last one's; of those without asking where there are any. */
  code: string | null;
}

interface Minute {
  episodes: number;
  withoutAsking: number;
}

export class QuarantineCounter {
  readonly #clock: Clock;
  readonly #minutes = new Map<number, Minute>();
  #unread: { episodeId: string; minute: number }[] = [];
  #lastCode: { code: string; withoutAsking: boolean; minute: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  quarantined(episodeId: string): void {
    const minute = this.#minuteNow();
    this.#minutes.getOrInsertComputed(minute, () => ({ episodes: 0, withoutAsking: 0 })).episodes += 1;
    if (this.#unread.length < MOST_UNREAD) this.#unread.push({ episodeId, minute });
    this.#forget();
  }

  /** Null when there was none. Each episode's reason is read once. */
  async recent(quarantineDirectory: string): Promise<RecentQuarantines | null> {
    const unread = this.#unread;
    this.#unread = [];
    for (const { episodeId, minute } of unread) {
      // One that cannot be read: somebody may have put the episode back meanwhile.
      this.#learn(await readReason(join(quarantineDirectory, episodeId)).catch(() => undefined), minute);
    }
    this.#forget();
    const minutes = [...this.#minutes.values()];
    if (minutes.length === 0) return null;
    return {
      episodes: minutes.reduce((sum, { episodes }) => sum + episodes, 0),
      without_asking: minutes.reduce((sum, { withoutAsking }) => sum + withoutAsking, 0),
      code: this.#lastCode?.code ?? null,
    };
  }

  /** What a refusal of this host's own is for, such as an unreadable file, needs no receiver: it is the gate's that are not asked for. */
  #learn(reason: StoredReason | undefined, minute: number): void {
    if (!reason) return;
    const { status, code } = reason;
    const withoutAsking = status === 0 && isGateCode(code);
    const counted = this.#minutes.get(minute);
    if (withoutAsking && counted) counted.withoutAsking += 1;
    if (withoutAsking || !this.#lastCode?.withoutAsking) this.#lastCode = { code, withoutAsking, minute };
  }

  #forget(): void {
    const oldest = this.#minuteNow() - KEPT_MINUTES;
    for (const minute of this.#minutes.keys()) if (minute <= oldest) this.#minutes.delete(minute);
    if (this.#lastCode && this.#lastCode.minute <= oldest) this.#lastCode = undefined;
  }

  #minuteNow(): number {
    return Math.floor(this.#clock.monotonicMs() / MINUTE_MS);
  }
}
