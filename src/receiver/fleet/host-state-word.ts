// One word for how a host is: pure, from the alerts that fire and from what is known, so that it holds before the monitor's first run and
// between two of them. Of several words the gravest counts, in the order of HOST_STATES.

import { z } from 'zod';
import type { CheckStatus } from '../../lib/self-check/check-result.ts';
import type { Symptom } from '../../protocol/alert.ts';
import { HOST_STATES, type HostState } from '../../protocol/answers.ts';

export interface HostSigns {
  nowMs: number;
  isRetired: boolean;
  /** Of the alerts that fire for it. */
  symptoms: readonly Symptom[];
  /** Milliseconds since 1970; undefined when it never stored. */
  lastStoredAtMs: number | undefined;
  /** As the host sent it: any JSON object. */
  heartbeat: { receivedAtMs: number; body: Readonly<Record<string, unknown>> } | undefined;
  /** Answered attempts in the recent window. */
  outcomes: Readonly<Record<string, number>>;
  doctor: CheckStatus | undefined;
}

/** The keys of [fleet.monitor]. */
export interface StateThresholds {
  silent_threshold_min: number;
  heartbeat_fresh_s: number;
  fatal_min_count: number;
  backlog_oldest_s: number;
}

const OF_SYMPTOM: Record<Symptom, HostState> = {
  'receiver-down': 'sick',
  'fleet-silent': 'silent',
  silent: 'silent',
  'fatal-only': 'refused',
  unstamped: 'refused',
  refused: 'refused',
  'never-seen': 'never-seen',
  'stale-code': 'sick',
  backlog: 'sick',
  unhealthy: 'sick',
  'clock-skew': 'sick',
  'duplicate-identity': 'sick',
  'update-failed': 'sick',
};

const count = z.number().nonnegative().nullish().catch(undefined);
/** What is not of the known form is not said. Null is of it: an issue for each host would cost more than all the rest. */
const bodySchema = z.object({
  held: z.object({ count }).nullish().catch(undefined),
  backlog: z.object({ oldest_s: count }).nullish().catch(undefined),
  quarantine: z
    .object({ recent: z.object({ without_asking: count }).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
});

export function hostStateWord(signs: HostSigns, thresholds: StateThresholds): HostState {
  if (signs.isRetired) return 'retired';
  const words = new Set<HostState>(signs.symptoms.map((symptom) => OF_SYMPTOM[symptom] ?? 'sick'));
  for (const word of knownWords(signs, thresholds)) words.add(word);
  const order = Object.keys(HOST_STATES) as HostState[];
  return order.find((word) => words.has(word)) ?? 'ok';
}

function* knownWords(signs: HostSigns, thresholds: StateThresholds): Generator<HostState> {
  const { nowMs, lastStoredAtMs, doctor, outcomes } = signs;
  const said = saidLately(signs, thresholds);
  const isHeld = said?.held && said.held.count !== 0;
  if (isHeld || said?.quarantine?.recent?.without_asking || isAllRefused(outcomes, thresholds)) yield 'refused';
  if (lastStoredAtMs === undefined) yield 'never-seen';
  else if (nowMs - lastStoredAtMs > thresholds.silent_threshold_min * 60_000) yield 'silent';
  if (doctor === 'red' || (said?.backlog?.oldest_s ?? 0) > thresholds.backlog_oldest_s) yield 'sick';
}

/** Undefined too when its heartbeat is too old to say how it is now, or lies as far ahead of the clock. */
function saidLately({ nowMs, heartbeat }: HostSigns, { heartbeat_fresh_s }: StateThresholds) {
  if (!heartbeat || Math.abs(nowMs - heartbeat.receivedAtMs) > heartbeat_fresh_s * 1000) return undefined;
  return bodySchema.safeParse(heartbeat.body).data;
}

function isAllRefused(outcomes: HostSigns['outcomes'], { fatal_min_count }: StateThresholds): boolean {
  if (outcomes['stored'] || outcomes['duplicate']) return false;
  return Object.values(outcomes).reduce((sum, attempts) => sum + attempts, 0) >= fatal_min_count;
}
