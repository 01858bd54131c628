// What the shipper knows of itself, for shipper-state.json, the heartbeat and systemd: fed by the passes and by each verdict.

import { readdir } from 'node:fs/promises';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { Verdict } from '../transport/classify-answer.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import type { QueueSnapshot } from './collect-heartbeat.ts';
import type { Pace } from './pace.ts';
import type { ReceiverLink } from './receiver-link.ts';
import { QuarantineCounter } from './recent-quarantines.ts';
import type { Waiting } from './scan-episodes.ts';
import { SentRate } from './sent-rate.ts';
import type { PassProgress } from './ship-pass.ts';
import type { ShipperState } from './state-file.ts';

const LONGEST_DETAIL = 500;

export class ShipperStatus {
  readonly #clock: Clock;
  readonly #link: ReceiverLink;
  readonly #pace: Pace;
  readonly #rate: SentRate;
  readonly #quarantines: QuarantineCounter;
  readonly #state: Omit<ShipperState, 'saved_at_wall' | 'sent_bytes_per_s'>;
  #detail: string | null = null;

  constructor(clock: Clock, link: ReceiverLink, pace: Pace) {
    this.#clock = clock;
    this.#link = link;
    this.#pace = pace;
    this.#rate = new SentRate(clock);
    this.#quarantines = new QuarantineCounter(clock);
    this.#state = {
      started_at_wall: clock.wallTime(),
      shipped: 0,
      duplicates: 0,
      quarantined: 0,
      waiting: 0,
      waiting_bytes: 0,
      oldest_finished_at_wall: null,
      last: null,
      last_answer: null,
      trouble: null,
    };
  }

  sent(bytes: number): void {
    this.#rate.sent(bytes);
  }

  verdict(episodeId: string, verdict: Verdict): void {
    const { status, code, detail } = answerOf(verdict);
    this.#detail = detail;
    this.#state.last_answer = { at_wall: this.#clock.wallTime(), episode_id: episodeId, status, code, detail };
  }

  backlog(queue: readonly Waiting[]): void {
    const waitingBytes = queue.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#count(queue.length, waitingBytes, queue[0]?.finishedAtMs);
  }

  progress({ last, waiting, waitingBytes, oldestFinishedAtMs }: PassProgress): void {
    const state = this.#state;
    this.#count(waiting, waitingBytes, oldestFinishedAtMs);
    if (!last) return;
    if (last.outcome === 'shipped') state.shipped += 1;
    if (last.outcome === 'duplicate') state.duplicates += 1;
    if (last.outcome === 'quarantined') {
      state.quarantined += 1;
      this.#quarantines.quarantined(last.episodeId);
    }
    if (last.outcome !== 'waiting' && last.outcome !== 'gone' && last.outcome !== 'no-room')
      state.last = { episode_id: last.episodeId, outcome: last.outcome };
  }

  #count(waiting: number, waitingBytes: number, oldestFinishedAtMs: number | undefined): void {
    this.#state.waiting = waiting;
    this.#state.waiting_bytes = waitingBytes;
    this.#state.oldest_finished_at_wall =
      oldestFinishedAtMs === undefined
        ? null
        : formatWallTime(Temporal.Instant.fromEpochMilliseconds(Math.floor(oldestFinishedAtMs)));
  }

  now(): ShipperState {
    this.#noteTrouble();
    return { ...this.#state, sent_bytes_per_s: this.#rate.bytesPerS(), saved_at_wall: this.#clock.wallTime() };
  }

  async snapshot(quarantineDirectory: string): Promise<QueueSnapshot> {
    const { waiting, waiting_bytes, oldest_finished_at_wall, trouble } = this.now();
    const ageMs = Date.parse(this.#clock.wallTime()) - Date.parse(oldest_finished_at_wall ?? '');
    return {
      backlog: {
        episodes: waiting,
        bytes: waiting_bytes,
        oldest_s: Number.isNaN(ageMs) ? null : Math.max(0, Math.round(ageMs / 1000)),
      },
      held: trouble?.kind === 'held' ? { count: waiting, code: trouble.code } : null,
      quarantine: {
        episodes: (await readdir(quarantineDirectory)).length,
        recent: await this.#quarantines.recent(quarantineDirectory),
      },
    };
  }

  /** One line for `systemctl status`. */
  line(): string {
    const { waiting, waiting_bytes, sent_bytes_per_s, trouble } = this.now();
    const backlog = waiting === 0 ? 'nothing waits' : `${waiting} episodes wait (${formatSize(waiting_bytes)})`;
    if (trouble) return `${backlog}; ${trouble.kind}: ${trouble.code}`;
    return sent_bytes_per_s > 0 ? `${backlog}, ${formatSize(sent_bytes_per_s)}/s` : backlog;
  }

  #noteTrouble(): void {
    const { trouble } = this.#link;
    const found = this.#pace.isShortOfRoom ? { kind: 'no-room' as const, code: 'disk-full' } : trouble;
    const before = this.#state.trouble;
    if (!found) {
      this.#state.trouble = null;
      return;
    }
    const isTheSame = before?.kind === found.kind && before.code === found.code;
    this.#state.trouble = {
      kind: found.kind,
      code: found.code,
      detail: found.kind === 'no-room' ? null : this.#detail,
      cure: found.kind === 'held' ? cureForHold(found.code) : null,
      since_wall: isTheSame ? before.since_wall : this.#clock.wallTime(),
    };
  }
}

function answerOf(verdict: Verdict): { status: number; code: string | null; detail: string | null } {
  if ('answer' in verdict) return { status: verdict.kind === 'shipped' ? 201 : 200, code: null, detail: null };
  return { status: verdict.status, code: verdict.code, detail: verdict.detail.slice(0, LONGEST_DETAIL) };
}
