// One word for how a host is: pure, from the alerts that fire and from what is known, so that it holds before the monitor's first run and
// between two of them. Of several words the gravest counts, in the order of HOST_STATES.

import type { CheckStatus } from '../../lib/self-check/check-result.ts';
import type { Symptom } from '../../protocol/alert.ts';
import { HOST_STATES, type HostState } from '../../protocol/answers.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface HostSigns {
  nowMs: number;
  isRetired: boolean;
  /** Of the alerts that fire for it. */
  symptoms: readonly Symptom[];
  /** Milliseconds since 1970; undefined when it never stored. */
  lastStoredAtMs: number | undefined;
  /** As the host sent it: any JSON object. */
  heartbeat: { receivedAtMs: number; body: Fields } | undefined;
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

// The gravest first.
const WORDS = Object.keys(HOST_STATES) as HostState[];

export function hostStateWord(signs: HostSigns, thresholds: StateThresholds): HostState {
  if (signs.isRetired) return 'retired';
  const words = [...signs.symptoms.map((symptom) => OF_SYMPTOM[symptom] ?? 'sick'), ...knownWords(signs, thresholds)];
  return WORDS.find((word) => words.includes(word)) ?? 'ok';
}

function knownWords(signs: HostSigns, thresholds: StateThresholds): HostState[] {
  const { nowMs, lastStoredAtMs, doctor, outcomes } = signs;
  const said = saidLately(signs, thresholds);
  const words: HostState[] = [];
  const held = fieldsIn(said, 'held');
  const isHeld = held !== undefined && countIn(held, 'count') !== 0;
  const withoutAsking = countIn(fieldsIn(fieldsIn(said, 'quarantine'), 'recent'), 'without_asking') ?? 0;
  if (isHeld || withoutAsking > 0 || isAllRefused(outcomes, thresholds)) words.push('refused');
  if (lastStoredAtMs === undefined) words.push('never-seen');
  else if (nowMs - lastStoredAtMs > thresholds.silent_threshold_min * 60_000) words.push('silent');
  const oldestS = countIn(fieldsIn(said, 'backlog'), 'oldest_s') ?? 0;
  if (doctor === 'red' || oldestS > thresholds.backlog_oldest_s) words.push('sick');
  return words;
}

/** Undefined too when its heartbeat is too old to say how it is now, or lies as far ahead of the clock. */
function saidLately({ nowMs, heartbeat }: HostSigns, { heartbeat_fresh_s }: StateThresholds): Fields | undefined {
  if (!heartbeat || Math.abs(nowMs - heartbeat.receivedAtMs) > heartbeat_fresh_s * 1000) return undefined;
  return heartbeat.body;
}

/** What is not of the known form is not said. By hand: a schema's look at each host would cost more than all the rest. */
function fieldsIn(fields: Fields | undefined, name: string): Fields | undefined {
  const value = fields?.[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function countIn(fields: Fields | undefined, name: string): number | undefined {
  const value = fields?.[name];
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function isAllRefused(outcomes: HostSigns['outcomes'], { fatal_min_count }: StateThresholds): boolean {
  if (outcomes['stored'] || outcomes['duplicate']) return false;
  return Object.values(outcomes).reduce((sum, attempts) => sum + attempts, 0) >= fatal_min_count;
}
