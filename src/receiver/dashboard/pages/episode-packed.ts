// What is packed in an episode: its telemetry as charts, its meta.json, its files.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import { cutShort, inertJson, inertLine } from '../../../lib/inert-text.ts';
import type { InspectedEpisode } from '../../data-set/inspect-episode.ts';
import type { Markup } from '../page.ts';
import { chart } from '../show/chart.ts';
import { counted } from '../show/figures.ts';
import { plainTime } from '../show/time.ts';
import type { EpisodeLook } from './episode-look.ts';
import { telemetryCharts } from './episode-telemetry.ts';

const LONGEST_META = 64 * 1024;
// Each level is indented by two more in every line: unbounded, a megabyte of brackets becomes hundreds.
const DEEPEST_META = 50;
const LONGEST_PATH = 300;

export function packedParts({ packed, telemetry }: EpisodeLook): Markup {
  if (!packed) return html``;
  return html`${telemetry && telemetryPart(telemetry)}
${metaPart(packed)}
${filesPart(packed)}`;
}

function telemetryPart(telemetry: NonNullable<EpisodeLook['telemetry']>): Markup {
  const { charts, leftOut } = telemetryCharts(telemetry);
  const { samples, timesS, isWhole } = telemetry;
  const note = [
    `${counted(samples, 'sample')}${timesS.length < samples ? `, drawn as ${timesS.length} points that keep each peak` : ''}.`,
    isWhole ? '' : 'Not all of it could be read: this is its beginning.',
    leftOut.length === 0 ? '' : `Not drawn: ${leftOut.join(', ')}.`,
  ].join(' ');
  return html`<section aria-labelledby="telemetry-title" id="telemetry"><h2 id="telemetry-title">Telemetry</h2>
<p class="muted">${note}</p>
${charts.length === 0 ? html`<p class="card empty">It has nothing that could be drawn.</p>` : html`<div class="grid">${charts.map((one) => html`<div class="card">${chart(one)}</div>`)}</div>`}
</section>`;
}

function metaPart({ meta, isWhole }: InspectedEpisode): Markup {
  const shown = meta === null ? undefined : metaText(meta);
  const missing = isWhole
    ? 'It has no meta.json at its top that could be read as JSON.'
    : 'No meta.json was found in what could be read of it.';
  return html`<section class="card" aria-labelledby="meta-title" id="meta"><h2 id="meta-title">meta.json</h2>
${
  shown === undefined
    ? html`<p class="muted">${missing}</p>`
    : html`${shown.text !== '' && html`<pre class="source" tabindex="0">${shown.text}</pre>`}${shown.note !== '' && html`<p class="muted">${shown.note}</p>`}`
}
</section>`;
}

/** One that is large is not laid out, and one that is deep not shown at all: what it takes grows with both at once. */
function metaText(meta: unknown): { text: string; note: string } {
  if (isDeeperThan(meta, DEEPEST_META)) return { text: '', note: 'It is too deeply nested to show: download it.' };
  const compact = JSON.stringify(meta);
  const text = compact.length > LONGEST_META ? compact : JSON.stringify(meta, null, 2);
  return {
    text: inertJson(cutShort(text, LONGEST_META)),
    note: text.length > LONGEST_META ? 'This is its beginning: the whole of it is in the download.' : '',
  };
}

/** Level by level, without recursion: it may be as deep as the file is long. */
function isDeeperThan(value: unknown, deepest: number): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === deepest) return true;
    level = level.flatMap((nested) => Object.values(nested).filter(isNested));
  }
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function filesPart({ files, isWhole }: InspectedEpisode): Markup {
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const note = isWhole
    ? `${counted(files.length, 'file')}, ${formatSize(totalBytes)} unpacked.`
    : 'Not all of what is packed could be looked at: it is in a form of its own, was damaged before it was sent, or has more than a page takes. The file itself is as it was stored.';
  return html`<section class="card" aria-labelledby="files-title" id="files"><h2 id="files-title">Files</h2>
<p class="muted">${note}</p>
${
  files.length > 0 &&
  html`<div class="scroll tall" tabindex="0" role="region" aria-label="Files, as a table"><table>
<caption class="visually-hidden">Files of the episode</caption>
<thead><tr><th scope="col">Path</th><th scope="col" class="num">Size</th><th scope="col">Written (UTC)</th></tr></thead>
<tbody>${files.map(
    ({ path, sizeBytes, modifiedAt }) =>
      html`<tr><th scope="row" class="path">${cutShort(inertLine(path), LONGEST_PATH)}</th><td class="num">${formatSize(sizeBytes)}</td><td class="nowrap">${modifiedAt === null ? '' : plainTime(modifiedAt).slice(0, 19)}</td></tr>`,
  )}</tbody>
</table></div>`
}
</section>`;
}
