// The uploads under way, with the room that is reserved for each and the time in which nothing came for it: counted in the receiver's own
// running time, so that no step of the wall clock makes one old. A few of those that ended are remembered, to tell them from unknown ones.

import type { Clock } from '../../lib/clock.ts';
import type { BlobKey } from '../../storage/blob-store.ts';
import type { RecoveredUploads, Upload, UploadAges } from '../../storage/uploads.ts';
import type { Reservation, Room } from '../ingest/room.ts';

const MOST_REMEMBERED = 1_000;

export interface UploadLimits {
  /** After so long without a byte it expires. */
  expire_after_s: number;
  per_host: number;
  bytes_per_host: number;
}

export interface UnfinishedUpload {
  upload: Upload;
  reservation: Reservation;
}

interface Entry extends UnfinishedUpload {
  /** On the monotonic clock; may lie before the start of this process. */
  activeAtMs: number;
  requests: number;
}

export class UnfinishedUploads {
  readonly #entries = new Map<string, Entry>();
  readonly #expired = new Map<string, string>();
  readonly #stored = new Map<string, Upload>();
  readonly #clock: Clock;
  readonly #limits: () => UploadLimits;

  /** `limits`: asked anew each time, a reload may change them. */
  constructor(clock: Clock, limits: () => UploadLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** What was under way before the start. */
  restore({ uploads }: RecoveredUploads, ages: UploadAges | undefined, room: Room): void {
    const nowMs = this.#clock.monotonicMs();
    for (const { upload, offsetBytes } of uploads) {
      const reservation = room.hold(Math.max(0, upload.sizeBytes - offsetBytes), offsetBytes);
      const activeAtMs = nowMs - (ages?.idleS[upload.uploadId] ?? 0) * 1000;
      this.#entries.set(upload.uploadId, { upload, reservation, activeAtMs, requests: 0 });
    }
    for (const { uploadId, hostId } of ages?.expired ?? []) this.#expired.set(uploadId, hostId);
  }

  add(upload: Upload, reservation: Reservation): void {
    const activeAtMs = this.#clock.monotonicMs();
    this.#entries.set(upload.uploadId, { upload, reservation, activeAtMs, requests: 0 });
  }

  find(uploadId: string): UnfinishedUpload | undefined {
    return this.#entries.get(uploadId);
  }

  ofEpisode({ hostId, episodeId }: BlobKey): UnfinishedUpload | undefined {
    return this.#entries.values().find(({ upload: { key } }) => key.hostId === hostId && key.episodeId === episodeId);
  }

  /** Whose it is or was, for as long as it is remembered. */
  hostOf(uploadId: string): string | undefined {
    const upload = this.#entries.get(uploadId)?.upload ?? this.#stored.get(uploadId);
    return upload?.key.hostId ?? this.#expired.get(uploadId);
  }

  /** Also before it is removed. */
  hasExpired(uploadId: string): boolean {
    const entry = this.#entries.get(uploadId);
    return entry ? this.#leftMs(entry) <= 0 : this.#expired.has(uploadId);
  }

  /** One that was stored since this process began. */
  findStored(uploadId: string): Upload | undefined {
    return this.#stored.get(uploadId);
  }

  /** Whether the host may have this one, too. One alone is never too large. */
  hasPlaceFor(hostId: string, sizeBytes: number): boolean {
    const own = this.#entries
      .values()
      .filter(({ upload }) => upload.key.hostId === hostId)
      .toArray();
    if (own.length === 0) return true;
    const limits = this.#limits();
    const bytes = own.reduce((sum, { upload }) => sum + upload.sizeBytes, sizeBytes);
    return own.length < limits.per_host && bytes <= limits.bytes_per_host;
  }

  /** A request works on it: until the returned function is called it does not expire. `came`: it brought something. */
  begin(uploadId: string): (came: boolean) => void {
    const entry = this.#entries.get(uploadId);
    if (!entry) return () => undefined;
    entry.requests += 1;
    return (came) => {
      entry.requests -= 1;
      if (came) entry.activeAtMs = this.#clock.monotonicMs();
    };
  }

  isBusy(uploadId: string): boolean {
    return (this.#entries.get(uploadId)?.requests ?? 0) > 0;
  }

  /** When it expires unless something comes for it: a wall time for people and headers, as RFC 9110 writes one. */
  expiresAt(uploadId: string): string | undefined {
    const entry = this.#entries.get(uploadId);
    if (!entry) return undefined;
    const now = Temporal.Instant.from(this.#clock.wallTime()).epochMilliseconds;
    return new Date(now + Math.max(0, this.#leftMs(entry))).toUTCString();
  }

  /** Ids of those that have expired and that nobody works on. */
  expiredNow(): string[] {
    const expired = this.#entries.values().filter((entry) => entry.requests === 0 && this.#leftMs(entry) <= 0);
    return expired.map(({ upload }) => upload.uploadId).toArray();
  }

  /** It has ended: its room is free. */
  drop(uploadId: string, ended: 'stored' | 'expired' | 'removed'): void {
    const entry = this.#entries.get(uploadId);
    if (!entry) return;
    this.#entries.delete(uploadId);
    entry.reservation.release();
    if (ended === 'stored') remember(this.#stored, uploadId, entry.upload);
    if (ended === 'expired') remember(this.#expired, uploadId, entry.upload.key.hostId);
  }

  ages(): UploadAges {
    const nowMs = this.#clock.monotonicMs();
    const idleS = this.#entries
      .values()
      .map(({ upload, activeAtMs, requests }) => [upload.uploadId, requests > 0 ? 0 : (nowMs - activeAtMs) / 1000]);
    const expired = this.#expired.entries().map(([uploadId, hostId]) => ({ uploadId, hostId }));
    return { idleS: Object.fromEntries(idleS), expired: expired.toArray() };
  }

  /** For metrics and logs. */
  sums(): { uploads: number; declaredBytes: number } {
    const declaredBytes = this.#entries.values().reduce((sum, { upload }) => sum + upload.sizeBytes, 0);
    return { uploads: this.#entries.size, declaredBytes };
  }

  #leftMs({ activeAtMs }: Entry): number {
    return activeAtMs + this.#limits().expire_after_s * 1000 - this.#clock.monotonicMs();
  }
}

function remember<Value>(map: Map<string, Value>, uploadId: string, value: Value): void {
  map.set(uploadId, value);
  if (map.size <= MOST_REMEMBERED) return;
  for (const oldest of map.keys().take(1)) map.delete(oldest);
}
