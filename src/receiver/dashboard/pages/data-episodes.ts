// Episodes as rows, the newest first. What a row holds may be a host's word: it is text, and a link only where it is an id.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { Markup } from '../page.ts';
import { badge } from '../show/badges.ts';
import { distanceText } from '../show/figures.ts';
import { commitLink, episodeLink, hostLink } from '../show/links.ts';
import { timeAgo } from '../show/time.ts';

export interface EpisodesShown {
  rows: readonly SequencedRow[];
  distanceOf: (commit: string) => number | null;
  now: string;
}

export function episodesTable({ rows, distanceOf, now }: EpisodesShown): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Episodes, the newest first"><table class="episodes">
<caption class="visually-hidden">Episodes, the newest first</caption>
<thead><tr><th scope="col">Stored</th><th scope="col">Episode</th><th scope="col">Host</th><th scope="col">Commit</th><th scope="col" class="num">Size</th></tr></thead>
<tbody data-live="episodes" data-keyed>${rows.map(
    (row) => html`<tr data-key="${row.seq}">
<td class="nowrap">${timeAgo(row.received_at_wall, now)}</td>
<th scope="row">${episodeLink(row.host_id, row.episode_id)} ${marksOf(row)}</th>
<td class="nowrap">${hostLink(row.host_id)}</td>
<td class="nowrap">${commitLink(row.commit)} <span class="muted">${distanceOfRow(row, distanceOf)}</span></td>
<td class="num">${formatSize(row.bytes)}</td>
</tr>`,
  )}</tbody>
</table></div>`;
}

/** What is out of the ordinary about it. */
function marksOf({ dirty, gate }: SequencedRow): Markup {
  return html`${dirty === true && badge('warn', 'dirty', 'It was made from a modified tree')}${gate === 'override' && badge('warn', 'allowed', 'Its commit was allowed out of turn')}`;
}

function distanceOfRow({ commit }: SequencedRow, distanceOf: EpisodesShown['distanceOf']): string {
  return typeof commit === 'string' ? distanceText(distanceOf(commit)) : '';
}
