// What is stored by host and by commit, the biggest first, each a link to its episodes.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import { inertLine } from '../../../lib/inert-text.ts';
import { isHostId } from '../../../protocol/ids.ts';
import type { LedgerFilter, Tally } from '../../../storage/ledger.ts';
import type { Markup } from '../page.ts';
import { commitCode, counted, countText, distanceText } from '../show/figures.ts';
import { isCommit } from '../show/links.ts';
import { shareBar } from '../show/share-bar.ts';
import { dataPath } from './data-question.ts';

const SHOWN = 12;
// Of a table in full: a page of many thousand rows is of no use to anybody.
const MOST_SHOWN = 1_000;

interface TallyOptions {
  filter: LedgerFilter;
  isInFull: boolean;
}

export function hostTallies(tallies: readonly Tally[], options: TallyOptions): Markup {
  const nameOf = ({ key }: Tally) => {
    const hostId = key ?? '';
    return isHostId(hostId)
      ? html`<a href="${dataPath({ ...options.filter, hostId })}">${hostId}</a>`
      : html`<span>${inertLine(hostId)}</span>`;
  };
  return table('hosts', 'Host', tallies, options, nameOf);
}

export function commitTallies(
  tallies: readonly Tally[],
  options: TallyOptions & { distanceOf: (commit: string) => number | null },
): Markup {
  const nameOf = ({ key: commit }: Tally) => {
    if (commit === null) return html`<span class="muted">no commit</span>`;
    const code = commitCode(inertLine(commit));
    return html`${isCommit(commit) ? html`<a href="${dataPath({ ...options.filter, commit })}">${code}</a>` : code} <span class="muted">${distanceText(options.distanceOf(commit))}</span>`;
  };
  return table('commits', 'Commit', tallies, options, nameOf);
}

export function sumOf(tallies: readonly Pick<Tally, 'episodes' | 'sizeBytes'>[]): {
  episodes: number;
  sizeBytes: number;
} {
  const sum = { episodes: 0, sizeBytes: 0 };
  for (const { episodes, sizeBytes } of tallies) {
    sum.episodes += episodes;
    sum.sizeBytes += sizeBytes;
  }
  return sum;
}

function table(
  name: 'hosts' | 'commits',
  label: string,
  tallies: readonly Tally[],
  { filter, isInFull }: TallyOptions,
  nameOf: (tally: Tally) => Markup,
): Markup {
  const sorted = tallies.toSorted((one, other) => other.sizeBytes - one.sizeBytes || other.episodes - one.episodes);
  const shown = sorted.slice(0, isInFull ? MOST_SHOWN : SHOWN);
  const mostBytes = sorted[0]?.sizeBytes ?? 0;
  const rest = sorted.length - shown.length;
  return html`<section class="card" id="by-${name}" aria-labelledby="by-${name}-title" data-live="by-${name}">
<h2 id="by-${name}-title">By ${label.toLowerCase()}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="By ${label.toLowerCase()}, as a table"><table>
<caption class="visually-hidden">What is stored by ${label.toLowerCase()}, the biggest first</caption>
<thead><tr><th scope="col">${label}</th><th scope="col" class="num">Episodes</th><th scope="col" class="num">Size</th><th scope="col" class="bar-cell"><span class="visually-hidden">Share</span></th></tr></thead>
<tbody>${shown.map(
    (tally) =>
      html`<tr><th scope="row">${nameOf(tally)}</th><td class="num">${countText(tally.episodes)}</td><td class="num">${formatSize(tally.sizeBytes)}</td><td class="bar-cell">${shareBar(mostBytes === 0 ? 0 : tally.sizeBytes / mostBytes)}</td></tr>`,
  )}</tbody>
</table></div>
${rest > 0 && !isInFull && html`<p class="more"><a href="${dataPath(filter, { all: name })}#by-${name}">${fullText(sorted.length)} ${name}</a></p>`}
${rest > 0 && isInFull && html`<p class="muted">And ${counted(rest, label.toLowerCase())} more, with ${counted(sumOf(sorted.slice(MOST_SHOWN)).episodes, 'episode')}.</p>`}
</section>`;
}

/** What the whole table will have, `All 40`, or `The biggest 1,000 of 4,000`. */
function fullText(count: number): string {
  return count <= MOST_SHOWN
    ? `All ${countText(count)}`
    : `The biggest ${countText(MOST_SHOWN)} of ${countText(count)}`;
}
