// Links to what hosts have named. A ledger of an older receiver may hold names that are no ids: those stay text.

import { html } from 'hono/html';
import { inertLine } from '../../../lib/inert-text.ts';
import { parseCommit } from '../../../protocol/commit.ts';
import { isEpisodeId, isHostId } from '../../../protocol/ids.ts';
import type { Markup } from '../page.ts';
import { commitCode } from './figures.ts';

export function hostLink(hostId: string): Markup {
  return isHostId(hostId) ? html`<a href="/hosts/${hostId}">${hostId}</a>` : html`<span>${inertLine(hostId)}</span>`;
}

export function episodeLink(hostId: string, episodeId: string): Markup {
  const isPath = isHostId(hostId) && isEpisodeId(episodeId);
  return isPath
    ? html`<a href="/data/${hostId}/${episodeId}">${episodeId}</a>`
    : html`<span>${inertLine(episodeId)}</span>`;
}

/** To what was made by it. */
export function commitLink(commit: string | null | undefined): Markup {
  if (commit === null || commit === undefined) return commitCode(null);
  return isCommit(commit)
    ? html`<a href="/data?commit=${commit}">${commitCode(commit)}</a>`
    : commitCode(inertLine(commit));
}

/** In full and as git writes it: only such a one becomes part of a link or a command. */
export function isCommit(text: string): boolean {
  return parseCommit(text) === text;
}
