// An episode's row of the ledger, field by field.

import { html } from 'hono/html';
import { cutShort, inertLine } from '../../../lib/inert-text.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { Markup } from '../page.ts';
import { badge } from '../show/badges.ts';
import { countText, distanceText } from '../show/figures.ts';
import { isCommit } from '../show/links.ts';
import { timeAgo, timeAt } from '../show/time.ts';

const LONGEST_TEXT = 200;

const DECISIONS: Record<string, string> = {
  override: 'Its commit was allowed out of turn',
  recovered: 'Its row was completed after a crash',
  disabled: 'The gate was off',
};

export interface RowShown {
  row: SequencedRow;
  pathInStore: string;
  distanceOf: (commit: string) => number | null;
  now: string;
}

export function rowFacts({ row, pathInStore, distanceOf, now }: RowShown): Markup {
  const { commit, received_at_wall: receivedAt } = row;
  return html`<dl class="facts">
${fact('Stored', html`${timeAt(receivedAt)} <span class="muted">${timeAgo(receivedAt, now)}</span>`)}
${fact('Number in the ledger', countText(row.seq))}
${fact('Size', `${countText(row.bytes)} bytes`)}
${fact('Made from', row.dirty === true ? badge('warn', 'a modified tree') : row.dirty === false ? 'a clean tree' : html`<span class="muted">not said</span>`)}
${fact('Let in because', gateText(row.gate))}
${fact('Schema', row.schema_version === undefined || row.schema_version === null ? html`<span class="muted">not said</span>` : shortText(String(row.schema_version)))}
${fact('Commit', commitFact(commit, distanceOf), 'wide')}
${fact('SHA-256', html`<code>${row.sha256}</code>`, 'wide')}
${fact('In the store', html`<code>${pathInStore}</code>`, 'wide')}
</dl>`;
}

function fact(name: string, value: Markup | string, size = ''): Markup {
  return html`<div${size !== '' && html` class="${size}"`}><dt>${name}</dt><dd>${value}</dd></div>`;
}

function commitFact(commit: SequencedRow['commit'], distanceOf: RowShown['distanceOf']): Markup {
  if (commit === null || commit === undefined) return html`<span class="muted">none</span>`;
  const code = html`<code>${cutShort(inertLine(commit), LONGEST_TEXT)}</code>`;
  if (!isCommit(commit)) return code;
  return html`<a href="/data?commit=${commit}">${code}</a> <span class="muted">${distanceText(distanceOf(commit))}</span>`;
}

/** What the gate knew then; forms of another release are told as they stand. */
function gateText(gate: SequencedRow['gate']): Markup | string {
  if (gate === undefined) return html`<span class="muted">not said</span>`;
  if (typeof gate === 'string') return DECISIONS[gate] ?? shortText(gate);
  const { source, head } = gate;
  if (typeof source !== 'string') return shortText(JSON.stringify(gate));
  const headText =
    typeof head === 'string'
      ? html`, head <code title="${shortText(head)}">${shortText(head).slice(0, 10)}</code>`
      : '';
  return html`Its commit was in the window (${shortText(source)}${headText})`;
}

function shortText(text: string): string {
  return cutShort(inertLine(text), LONGEST_TEXT);
}
