// What the maintainer decides of single commits, and what the gate knows, from beside the receiver: through control.db and gate.json.

import { join } from 'node:path';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import { parseDurationMs } from '../../lib/config/duration.ts';
import { parseCommit } from '../../protocol/commit.ts';
import type { Control } from '../../storage/control.ts';
import { type GateConfig, learnedFromOf, windowOf } from './choose-sources.ts';
import { GATE_FILE, type GateFileContent, readGateFile } from './gate-file.ts';
import { listDecisions } from './judging-gate.ts';
import type { GateStatus } from './version-gate.ts';

const LEAST_DIGITS = 7;
const MOST_WHY_CHARACTERS = 500;
const MOST_MS = 3_650 * 86_400_000;

export interface GateDesk {
  config: GateConfig;
  storeRoot: string;
  control: Control;
  clock: Clock;
  /** Who decides. */
  by: string;
}

export interface Decision {
  commit: string;
  why: string;
}

/** Throws `bad-input`. */
export async function allowCommit(
  desk: GateDesk,
  decision: Decision & { forText: string },
): Promise<{ commit: string; until: string; isBlockedAfter: boolean }> {
  const forMs = readFor(decision.forText);
  const why = readWhy(decision.why);
  const commit = await findCommit(desk, decision.commit);
  const until = formatWallTime(Temporal.Instant.from(desk.clock.wallTime()).add({ milliseconds: forMs }));
  await desk.control.putGateOverride({ kind: 'allowed', commit, until, why, by: desk.by });
  const overrides = await desk.control.findGateOverrides(commit);
  const isBlockedAfter =
    desk.config.blocked_commits.includes(commit) || overrides.some(({ kind }) => kind === 'blocked');
  return { commit, until, isBlockedAfter };
}

/** The later decision wins: an allowance of the commit ends. Throws `bad-input`. */
export async function blockCommit(
  desk: GateDesk,
  decision: Decision,
): Promise<{ commit: string; wasAllowed: boolean }> {
  const why = readWhy(decision.why);
  const commit = await findCommit(desk, decision.commit);
  const wasAllowed = await desk.control.removeGateOverride('allowed', commit);
  await desk.control.putGateOverride({ kind: 'blocked', commit, why, by: desk.by });
  return { commit, wasAllowed };
}

/** Throws `bad-input`, `not-blocked`. */
export async function unblockCommit(desk: GateDesk, commitText: string): Promise<{ commit: string }> {
  const commit = await findCommit(desk, commitText);
  const wasBlocked = await desk.control.removeGateOverride('blocked', commit);
  if (desk.config.blocked_commits.includes(commit)) {
    throw new AppError('not-blocked', `${commit} stays blocked: [version_gate] blocked_commits names it`, {
      hint: 'take it out of the configuration and reload the receiver: sudo systemctl reload cis490-receiver',
    });
  }
  if (wasBlocked) return { commit };
  throw new AppError('not-blocked', `${commit} was not blocked`, { hint: 'see what is: cis490 gate status' });
}

/** As the receiver last wrote it down, which it does at each change and once a minute. */
export async function readGateStatus({ config, storeRoot, control, clock }: Omit<GateDesk, 'by'>): Promise<GateStatus> {
  const off = { enabled: false, head: null, window: null, source: null, refreshedAt: null, lastError: null };
  if (!config.enabled) return { ...off, allowed: [], blocked: [] };
  const decisions = listDecisions(await control.listGateOverrides(), config.blocked_commits, clock.wallTime());
  const shared = { enabled: true, window: windowOf(config), ...decisions };
  if (config.commits) {
    return { ...shared, head: config.commits[0] ?? null, source: 'static', refreshedAt: null, lastError: null };
  }
  const { file, problem } = lookIntoGateFile(config, storeRoot);
  return {
    ...shared,
    head: file?.commits[0] ?? null,
    source: file?.source ?? null,
    refreshedAt: file?.refreshed_at_wall ?? null,
    lastError: problem ?? file?.last_error ?? null,
  };
}

/** `problem`: why there is none that counts. */
export function lookIntoGateFile(config: GateConfig, storeRoot: string): { file?: GateFileContent; problem?: string } {
  const learnedFrom = learnedFromOf(config);
  if (!learnedFrom) return {};
  const path = join(storeRoot, GATE_FILE);
  try {
    const file = readGateFile(path, learnedFrom);
    return file ? { file } : { problem: `no receiver has written ${path} yet` };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** A full commit, or a unique abbreviation of one that is known here. */
async function findCommit(desk: GateDesk, text: string): Promise<string> {
  const full = parseCommit(text);
  if (full) return full;
  const start = text.trim().toLowerCase();
  if (!/^[0-9a-f]+$/.test(start) || start.length < LEAST_DIGITS || start.length > 64) {
    throw new AppError('bad-input', `${JSON.stringify(text)} is no commit`, {
      hint: `give it in full (40 or 64 hex digits), or at least its first ${LEAST_DIGITS}: git rev-parse HEAD`,
    });
  }
  const matches = [...(await commitsKnownTo(desk))].filter((commit) => commit.startsWith(start));
  const [only, second] = matches;
  if (only !== undefined && second === undefined) return only;
  const found = only === undefined ? 'no commit that is known here' : `${matches.length} of the commits known here`;
  throw new AppError('bad-input', `${found} begins with ${start}`, {
    hint: `give it in full: git rev-parse ${start}`,
  });
}

async function commitsKnownTo({ config, storeRoot, control }: GateDesk): Promise<Set<string>> {
  const { file } = lookIntoGateFile(config, storeRoot);
  const decided = (await control.listGateOverrides()).map(({ commit }) => commit);
  return new Set([
    ...(file?.commits ?? []),
    ...(file?.added_commits ?? []),
    ...(config.commits ?? []),
    ...config.blocked_commits,
    ...decided,
  ]);
}

function readFor(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1 && ms <= MOST_MS) return Math.round(ms);
  throw new AppError('bad-input', `--for ${JSON.stringify(text)} is no time that it could be allowed for`, {
    hint: 'write it as "2h", "30 min" or "3 days"; at most 3650 days',
  });
}

function readWhy(text: string): string {
  const why = text.trim();
  if (why !== '' && why.length <= MOST_WHY_CHARACTERS && !/\p{Cc}/u.test(why)) return why;
  throw new AppError('bad-input', 'the reason must be one line of text', {
    hint: `say it in up to ${MOST_WHY_CHARACTERS} characters: --why "hotfix on lab-07 until it is merged"`,
  });
}
