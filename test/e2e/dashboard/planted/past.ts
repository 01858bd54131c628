// What programs leave behind, each dated so and so many minutes before now: rows, heartbeats, doctor reports, attempts, alerts.

import { createHash } from 'node:crypto';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatWallTime } from '../../../../src/lib/clock.ts';
import { SYMPTOMS, type Symptom } from '../../../../src/protocol/alert.ts';
import { DOCTOR_CHECKS, isHostCheckId } from '../../../../src/protocol/doctor-checks.ts';
import type { AttemptIncrement } from '../../../../src/storage/attempts.ts';
import type { NewHeartbeat } from '../../../../src/storage/host-state.ts';
import type { NewLedgerRow } from '../../../../src/storage/ledger.ts';
import type { AlertOfRun } from '../../../../src/storage/monitor-state.ts';
import { sha256 } from '../../../support/episodes.ts';

/** The branch, newest first. */
export const COMMITS = Array.from({ length: 20 }, (_, age) => commitNamed(`change ${100 - age}`));
/** It was on the branch long ago. */
export const OLD_COMMIT = commitNamed('change 12');
export const GATE_KEYS = `[version_gate]\ncommits = ${JSON.stringify(COMMITS)}\n`;

export function commitNamed(name: string): string {
  return createHash('sha1').update(name).digest('hex');
}

/** Of the branch, so and so far behind its head. */
export function commitAt(distance: number): string {
  return COMMITS[distance] ?? OLD_COMMIT;
}

export interface StoredFacts {
  hostId: string;
  minutesAgo: number;
  commit?: string | null;
  episodeId?: string;
  sizeBytes?: number;
  digest?: string;
}

export class Past {
  readonly now = Temporal.Now.instant();

  /** A wall time. */
  at(minutesAgo: number): string {
    return formatWallTime(this.now.subtract({ milliseconds: Math.round(minutesAgo * 60_000) }));
  }

  episodeId(minutesAgo: number): string {
    const text = this.at(minutesAgo);
    const suffix = sha256(`${minutesAgo}`).slice(0, 6);
    return `telemetry-${text.slice(0, 19).replace(/[-:]/g, '')}Z-${suffix}`;
  }

  row({ hostId, minutesAgo, commit = commitAt(0), ...facts }: StoredFacts): NewLedgerRow {
    const episodeId = facts.episodeId ?? this.episodeId(minutesAgo);
    return {
      host_id: hostId,
      episode_id: episodeId,
      received_at_wall: this.at(minutesAgo),
      sha256: facts.digest ?? sha256(`${hostId}/${episodeId}`),
      bytes: facts.sizeBytes ?? 180_000 + (((minutesAgo * 7_919) % 90_000) | 0),
      path: `episodes/${hostId}/${episodeId}.tar.zst`,
      schema_version: '1',
      ...(commit !== null && { commit }),
      dirty: false,
      gate: { head: commitAt(0), source: 'static' },
    };
  }

  heartbeat(hostId: string, minutesAgo: number, body: Record<string, unknown> = {}): NewHeartbeat {
    const machine = sha256(`machine of ${hostId}`).slice(0, 32);
    const all = {
      host_id: hostId,
      sent_at_wall: this.at(minutesAgo),
      machine,
      boot_id: '3d0c8f2e-5a1b-4c77-9d7e-5b1f0a2c6e41',
      version: { commit: commitAt(0), dirty: false },
      backlog: { episodes: 1, bytes: 212_400, oldest_s: 41 },
      held: null,
      quarantine: { episodes: 0, recent: null },
      recording: {
        last_episode: { episode_id: this.episodeId(minutesAgo + 1), finished_at_wall: this.at(minutesAgo + 1) },
        workloads: ['telemetry'],
      },
      free_bytes: 61_203_283_968,
      update: {
        source: 'receiver',
        result: 'updated',
        commit: commitAt(1),
        target: commitAt(0),
        at_wall: this.at(minutesAgo + 300),
        detail: null,
        failures: 0,
      },
      ...body,
    };
    const received = { receivedAtWall: this.at(minutesAgo), bootId: String(all.boot_id), machine: String(all.machine) };
    return { hostId, ...received, body: all };
  }

  /** `count` in each of the minutes. */
  attempts(hostId: string, outcome: string, count: number, ...minutesAgo: number[]): AttemptIncrement[] {
    return minutesAgo.map((minutes) => ({ hostId, minute: this.at(minutes).slice(0, 16), outcome, count }));
  }

  alert(host: string, symptom: Symptom, more: Partial<AlertOfRun> & { minutesAgo?: number } = {}): AlertOfRun {
    const { minutesAgo = 90, ...fields } = more;
    return {
      id: sha256(`${host} ${symptom} ${minutesAgo}`).slice(0, 8),
      host,
      symptom,
      severity: SYMPTOMS[symptom],
      detail: `what the monitor found of ${symptom}`,
      suggestedFix: host === '*' ? 'systemctl status cis490-receiver' : `ssh ${host} cis490 shipper --ping`,
      state: 'firing',
      firstAt: this.at(minutesAgo),
      lastAt: this.at(1),
      resolvedAt: null,
      goodRuns: 0,
      suppressedBy: null,
      silencedBy: null,
      notifiedAt: null,
      ...fields,
    };
  }

  /** As a host's doctor sent it; of what is not named each is green. */
  report(
    store: string,
    hostId: string,
    minutesAgo: number,
    found: Readonly<Record<string, readonly [status: string, summary: string]>> = {},
  ): void {
    const ids = [...new Set([...Object.keys(DOCTOR_CHECKS).filter(isHostCheckId), ...Object.keys(found)])];
    const checks = ids.map((id) => {
      const [status, summary] = found[id] ?? ['green', 'nothing is wrong'];
      return { id, status, summary, cure: null, duration_ms: 3 };
    });
    const worst = ['red', 'yellow', 'green'].find((status) => checks.some((check) => check.status === status));
    const report = {
      schema_version: 1,
      role: 'lab-host',
      host_id: hostId,
      status: worst,
      generated_at_wall: this.at(minutesAgo),
      commit: commitAt(0),
      checks,
    };
    const path = join(store, 'host-health', `${hostId}.json`);
    writeFileSync(path, JSON.stringify(report));
    const received = new Date(this.now.epochMilliseconds - minutesAgo * 60_000);
    utimesSync(path, received, received);
  }
}

/** 0, `step`, 2 × `step`, … below `end`. */
export function steps(end: number, step: number): number[] {
  return Array.from({ length: Math.ceil(end / step) }, (_, index) => index * step);
}
