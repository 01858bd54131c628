// What a host has shipped: by the code that made it, and its last episodes.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { CommitTally } from '../../../storage/ledger.ts';
import type { Markup } from '../page.ts';
import { badge } from '../show/badges.ts';
import { countText, distanceText } from '../show/figures.ts';
import { commitLink, episodeLink } from '../show/links.ts';
import { timeAgo } from '../show/time.ts';

const MOST_COMMITS = 20;

/** Undefined where nothing is gated, and no distance is known. */
export type DistanceOf = ((commit: string) => number | null) | undefined;

export function commitsTable(commits: readonly CommitTally[], distanceOf: DistanceOf): Markup {
  if (commits.length === 0) return html`<p class="muted">It has not stored an episode yet.</p>`;
  const left = commits.length - MOST_COMMITS;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Commits, as a table"><table>
<thead><tr><th scope="col">Commit</th>${distanceOf && html`<th scope="col">Distance</th>`}<th scope="col" class="num">Episodes</th><th scope="col" class="num">Bytes</th></tr></thead>
<tbody>${commits
    .slice(0, MOST_COMMITS)
    .map(
      ({ commit, episodes, sizeBytes }) =>
        html`<tr><th scope="row">${commitLink(commit)}</th>${distanceOf && html`<td class="nowrap">${distanceWords(commit, distanceOf)}</td>`}<td class="num">${countText(episodes)}</td><td class="num">${formatSize(sizeBytes)}</td></tr>`,
    )}</tbody></table></div>${left > 0 && html`<p class="muted">And ${countText(left)} older ones.</p>`}`;
}

export function lastEpisodes(rows: readonly SequencedRow[], hostId: string, now: string): Markup {
  if (rows.length === 0) return html`<p class="muted">None is stored now.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Episodes, as a table"><table class="episodes">
<thead><tr><th scope="col">Episode</th><th scope="col">Stored</th><th scope="col">Commit</th><th scope="col" class="num">Bytes</th></tr></thead>
<tbody>${rows.map(
    ({ episode_id: episodeId, received_at_wall: at, commit, dirty, bytes }) =>
      html`<tr><th scope="row">${episodeLink(hostId, episodeId)}</th><td class="nowrap">${timeAgo(at, now)}</td><td class="nowrap">${commitLink(commit)}${dirty === true && html` ${badge('warn', 'dirty', 'It was made from a modified tree')}`}</td><td class="num">${formatSize(bytes)}</td></tr>`,
  )}</tbody></table></div>
<p><a href="/data?host=${encodeURIComponent(hostId)}">All of its episodes</a></p>`;
}

function distanceWords(commit: string | null, distanceOf: NonNullable<DistanceOf>): string {
  return commit === null ? '' : distanceText(distanceOf(commit));
}
