// One stored episode as a page. What its recorder wrote, meta.json and file names, is text of somebody else's: shown, never obeyed.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import { EPISODE_SUFFIX, episodeTarget } from '../../../protocol/ids.ts';
import type { SequencedRow, SequencedTombstone } from '../../../protocol/ledger-row.ts';
import type { Markup, Page } from '../page.ts';
import { badge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { countText } from '../show/figures.ts';
import { hostLink } from '../show/links.ts';
import { timeAt } from '../show/time.ts';
import type { EpisodeLook, FileState } from './episode-look.ts';
import { packedParts } from './episode-packed.ts';
import { rowFacts } from './episode-row.ts';

export interface EpisodeFacts {
  row: SequencedRow;
  /** `busy`: too many look into episodes at this moment. */
  look: EpisodeLook | 'busy';
  /** Below the store's root. */
  pathInStore: string;
  distanceOf: (commit: string) => number | null;
  origin: string;
  needsCredential: boolean;
  /** A wall time. */
  now: string;
}

const INTEGRITY: Record<FileState, readonly [tone: 'good' | 'idle' | 'bad', word: string, text: string]> = {
  whole: ['good', 'whole', 'Its file has the digest that the ledger says.'],
  unhashed: [
    'idle',
    'not hashed',
    'Its file has the size that the ledger says; it is too large, or was read too slowly, to be hashed for a page.',
  ],
  missing: ['bad', 'missing', 'The ledger lists it, and its file is not there.'],
  'other-size': ['bad', 'damaged', 'Its file has another size than the ledger says.'],
  damaged: ['bad', 'damaged', 'Its file has another digest than the ledger says.'],
};

export function episodeView(facts: EpisodeFacts): Page {
  const { row, look, origin, needsCredential } = facts;
  const { host_id: hostId, episode_id: episodeId } = row;
  const isServed = look === 'busy' || look.file === 'whole' || look.file === 'unhashed';
  return page(
    row,
    html`${integrity(look, row, isServed)}
<section class="card" aria-labelledby="row-title"><h2 id="row-title">In the ledger</h2>${rowFacts(facts)}</section>
${isServed && takeOut(hostId, episodeId, row.sha256, { origin, needsCredential })}
${look !== 'busy' && packedParts(look)}`,
  );
}

export function retractedView(tombstone: SequencedTombstone, row: SequencedRow | undefined): Page {
  const { retracted_at_wall, by, reason } = tombstone;
  return page(
    tombstone,
    html`<section class="card verdict bad"><div class="grow"><p><strong>Retracted</strong> ${timeAt(retracted_at_wall)} by ${by}.</p>
<p>${reason}</p>
<p class="muted">Its bytes are gone, and its id is never stored again.${
      row && ` It had ${formatSize(row.bytes)}, and the digest ${row.sha256}.`
    }</p></div></section>`,
  );
}

function page({ host_id, episode_id }: { host_id: string; episode_id: string }, body: Markup): Page {
  return {
    title: `${episode_id} of ${host_id}`,
    section: 'data',
    topics: [],
    body: html`<nav class="crumbs" aria-label="Where this is"><a href="/data">Data set</a> / <a href="/data?host=${host_id}">${host_id}</a></nav>
<h1 class="id">${episode_id}</h1>
<p class="muted">An episode of ${hostLink(host_id)}</p>
${body}`,
  };
}

function integrity(look: EpisodeLook | 'busy', row: SequencedRow, isServed: boolean): Markup {
  const download = html`<a class="button primary" href="${episodeTarget(row.host_id, row.episode_id)}" download="${row.episode_id}${EPISODE_SUFFIX}">Download ${formatSize(row.bytes)}</a>`;
  if (look === 'busy')
    return html`<section class="card verdict" id="integrity"><div class="grow">${badge('idle', 'not looked at')} Several people look into episodes at this moment: load the page again for what is in it.</div>${download}</section>`;
  const [tone, word, text] = INTEGRITY[look.file];
  const size =
    look.file === 'other-size' &&
    ` It has ${countText(look.sizeBytes ?? 0)} bytes, and should have ${countText(row.bytes)}.`;
  return html`<section class="card verdict ${tone}" id="integrity"><div class="grow"><p>${badge(tone, word)} ${text}${size}</p>${
    !isServed &&
    html`<p>On the receiver, what else is damaged, and what to do about it:</p>${copyable('sudo cis490 index verify')}`
  }</div>${isServed && download}</section>`;
}

function takeOut(
  hostId: string,
  episodeId: string,
  sha256: string,
  { origin, needsCredential }: { origin: string; needsCredential: boolean },
): Markup {
  const file = `${episodeId}${EPISODE_SUFFIX}`;
  const header = needsCredential ? ' -H "Authorization: Bearer $(cat reader.token)"' : '';
  return html`<section class="card" aria-labelledby="take-out-title"><h2 id="take-out-title">Take it out</h2>
<p>Fetch it, check that it is what was stored, and look into it:</p>
${copyable(
  [
    `curl -fsSO${header} ${origin}${episodeTarget(hostId, episodeId)}`,
    `echo '${sha256}  ${file}' | sha256sum -c`,
    `cis490 episode show ${file}`,
  ].join('\n'),
)}</section>`;
}
