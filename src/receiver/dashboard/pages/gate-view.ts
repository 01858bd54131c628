// The gate as a page.

import { html } from 'hono/html';
import { inertLine } from '../../../lib/inert-text.ts';
import type { RollOutProgress } from '../../releases/roll-out-progress.ts';
import type { GateStatus } from '../../version-gate/version-gate.ts';
import type { Markup, Page } from '../page.ts';
import { badge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { counted } from '../show/figures.ts';
import { commitLink } from '../show/links.ts';
import { timeAgo } from '../show/time.ts';
import { decisionsPart } from './gate-decisions.ts';
import { rollOutsPart, spreadPart } from './gate-fleet.ts';
import { type GateRefusals, refusalsPart } from './gate-refusals.ts';
import { judgeGate } from './gate-verdict.ts';

export interface GateFacts {
  status: GateStatus;
  refusals: GateRefusals;
  /** Commands for a host that is refused; our own. */
  remediation: string;
  progress: RollOutProgress;
  /** A wall time. */
  now: string;
}

const SOURCES: Record<string, string> = {
  forgejo: 'the forge',
  'git-fallback': 'the local repository, in the forge’s place',
  git: 'the local repository',
  static: 'the list in the configuration',
  'last-known-good': 'what it knew before',
};

export function gateView({ status, refusals, remediation, progress, now }: GateFacts): Page {
  return {
    title: 'Gate',
    section: 'gate',
    topics: ['gate', 'hosts', 'tick'],
    body: html`<h1>Gate</h1>
${verdictPart(status, now)}
${refusalsPart(refusals, remediation)}
<div class="grid">
${spreadPart(progress, status.enabled)}
${rollOutsPart(progress)}
</div>
${decisionsPart(status, now)}`,
  };
}

function verdictPart(status: GateStatus, now: string): Markup {
  const { condition, tone, text, cure } = judgeGate(status, now);
  return html`<section class="card verdict ${tone}" id="verdict" aria-label="Verdict" data-live="verdict"><div class="grow">
<p role="status">${badge(tone, condition)} ${text}</p>
${status.enabled && facts(status, now)}
${
  status.lastError !== null &&
  html`<p class="last-error"><strong>Last error:</strong> ${inertLine(status.lastError)}</p>`
}
${cure.length > 0 && html`<p>On the receiver:</p>${copyable(cure.join('\n'))}`}
</div></section>`;
}

function facts({ head, window, source, refreshedAt }: GateStatus, now: string): Markup {
  return html`<dl class="facts">
<div><dt>Head</dt><dd>${head === null ? html`<span class="muted">not known</span>` : commitLink(head)}</dd></div>
<div><dt>Window</dt><dd>the last ${counted(window ?? 0, 'commit')}</dd></div>
<div><dt>Source</dt><dd>${source === null ? html`<span class="muted">none has answered yet</span>` : (SOURCES[source] ?? source)}</dd></div>
<div><dt>Refreshed</dt><dd>${source === 'static' ? html`<span class="muted">with the configuration</span>` : timeAgo(refreshedAt, now)}</dd></div>
</dl>`;
}
