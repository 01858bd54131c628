// Which of the stored episodes an export takes: the same words on the command line, to the receiver and in bag-info.txt.

import { AppError } from '../lib/app-error.ts';
import { formatWallTime } from '../lib/clock.ts';
import { parseCommit } from '../protocol/commit.ts';
import { isHostId } from '../protocol/ids.ts';
import type { SequencedRow } from '../protocol/ledger-row.ts';

/** What is empty or undefined selects nothing out. */
export interface Selection {
  /** Sorted, each once. */
  hosts: readonly string[];
  commits: readonly string[];
  /** Stored at this time or later, and before that one; as clock.ts writes times. */
  since: string | undefined;
  until: string | undefined;
}

export interface SelectionWords {
  hosts: readonly string[];
  commits: readonly string[];
  since: string | undefined;
  until: string | undefined;
}

/** Throws `bad-input` for what can select nothing. */
export function parseSelection({ hosts, commits, since, until }: SelectionWords): Selection {
  const selection = {
    hosts: sorted(hosts.map(hostOf)),
    commits: sorted(commits.map(commitOf)),
    since: since === undefined ? undefined : timeOf('--since', since),
    until: until === undefined ? undefined : timeOf('--until', until),
  };
  if (selection.since !== undefined && selection.until !== undefined && selection.since >= selection.until) {
    throw new AppError('bad-input', `nothing lies from ${selection.since} on and before ${selection.until}`, {
      hint: '--since is the earlier one',
    });
  }
  return selection;
}

export function isSelected(row: SequencedRow, { hosts, commits, since, until }: Selection): boolean {
  if (hosts.length > 0 && !hosts.includes(row.host_id)) return false;
  if (commits.length > 0 && !commits.includes(row.commit ?? '')) return false;
  if (since === undefined && until === undefined) return true;
  const received = instantOf(row.received_at_wall);
  if (!received) return false;
  if (since !== undefined && Temporal.Instant.compare(received, Temporal.Instant.from(since)) < 0) return false;
  return until === undefined || Temporal.Instant.compare(received, Temporal.Instant.from(until)) < 0;
}

/** Undefined for a text that names no instant: one without an offset, say. */
export function instantOf(text: string): Temporal.Instant | undefined {
  try {
    return Temporal.Instant.from(text);
  } catch {
    return undefined;
  }
}

/** `--host lab-1 --since …`; empty for all that is stored. */
export function selectionAsOptions({ hosts, commits, since, until }: Selection): string {
  return [
    ...hosts.map((host) => `--host ${host}`),
    ...commits.map((commit) => `--commit ${commit}`),
    ...(since === undefined ? [] : [`--since ${since}`]),
    ...(until === undefined ? [] : [`--until ${until}`]),
  ].join(' ');
}

function hostOf(text: string): string {
  if (isHostId(text)) return text;
  throw new AppError('bad-input', `--host ${text} is no host_id`, { hint: 'see which there are: cis490 fleet' });
}

function commitOf(text: string): string {
  const commit = parseCommit(text);
  if (commit !== undefined) return commit;
  throw new AppError('bad-input', `--commit ${text} is no full commit of 40 or 64 hex digits`, {
    hint: `in a checkout: git rev-parse ${/^[\w./-]+$/.test(text) ? text : 'HEAD'}`,
  });
}

/** A date begins at 00:00 UTC, as in the receiver's own queries. */
function timeOf(option: string, text: string): string {
  const instant = instantOf(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00Z` : text);
  if (instant) return formatWallTime(instant);
  throw new AppError('bad-input', `${option} ${text} is no time`, {
    hint: 'a date such as 2026-05-01, or a time with its offset: 2026-05-01T06:30:00Z',
  });
}

function sorted(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
