// Which of the quarantined episodes a command is about: by id, or by all of the filters that are given.

import { AppError } from '../../../lib/app-error.ts';
import { parseDurationMs } from '../../../lib/config/duration.ts';
import type { QuarantinedEpisode, SettledEpisode } from './settled-episodes.ts';

/** What `quarantine list` shows as the code of a directory without a reason. */
export const NO_REASON = 'no-reason';

export interface Selection {
  ids: readonly string[];
  code?: string | undefined;
  /** In full, or at least its first 7 digits. */
  commit?: string | undefined;
  /** `30d`, `12 h`. */
  olderThan?: string | undefined;
}

export function codeOf({ note }: QuarantinedEpisode): string {
  return note?.code ?? NO_REASON;
}

/** The directory of that name, or else all that have that id. */
export function withId<Episode extends SettledEpisode<unknown>>(all: readonly Episode[], id: string): Episode[] {
  const exact = all.filter(({ name }) => name === id);
  return exact.length > 0 ? exact : all.filter(({ episodeId }) => episodeId === id);
}

/** Throws `bad-input`; unknown ids are returned apart. */
export function selectQuarantined(
  all: readonly QuarantinedEpisode[],
  { ids, code, commit, olderThan }: Selection,
  nowWall: string,
): { selected: QuarantinedEpisode[]; unknownIds: string[] } {
  const unknownIds: string[] = [];
  const named = ids.length === 0 ? new Set(all) : new Set(ids.flatMap(byId));
  const start = commit === undefined ? undefined : commitStart(commit);
  const beforeMs = olderThan === undefined ? undefined : Date.parse(nowWall) - ageMs(olderThan);
  const selected = all.filter(
    (episode) =>
      named.has(episode) &&
      (code === undefined || codeOf(episode) === code) &&
      (start === undefined || (episode.note?.commit ?? '').toLowerCase().startsWith(start)) &&
      (beforeMs === undefined || Date.parse(episode.note?.quarantined_at_wall ?? '') < beforeMs),
  );
  return { selected, unknownIds };

  function byId(id: string): QuarantinedEpisode[] {
    const found = withId(all, id);
    if (found.length === 0) unknownIds.push(id);
    return found;
  }
}

function commitStart(text: string): string {
  if (/^[0-9a-f]{7,64}$/i.test(text)) return text.toLowerCase();
  throw new AppError('bad-input', `--commit: found "${text}"; allowed: a commit, or its first 7 digits or more`);
}

function ageMs(text: string): number {
  const ms = parseDurationMs(text.replace(/^([\d.]+) ?d$/, '$1 days'));
  if (ms !== undefined) return ms;
  throw new AppError('bad-input', `--older-than: found "${text}"; allowed: an age such as 30d or "12 h"`);
}
