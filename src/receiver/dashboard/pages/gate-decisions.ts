// Which commits count out of turn, who has decided so, and the commands that change it.

import { html } from 'hono/html';
import { inertLine } from '../../../lib/inert-text.ts';
import type { GateStatus } from '../../version-gate/version-gate.ts';
import type { Markup } from '../page.ts';
import { badge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { isCommit } from '../show/links.ts';
import { spanText, timeAt } from '../show/time.ts';

export function decisionsPart({ enabled, allowed, blocked }: GateStatus, now: string): Markup {
  if (!enabled) return html``;
  const isEmpty = allowed.length + blocked.length === 0;
  return html`<section class="card" id="decisions" aria-labelledby="decisions-title" data-live="decisions">
<h2 id="decisions-title">Decided by hand</h2>
${isEmpty ? html`<p class="muted">Nothing: the window alone decides.</p>` : html`<ul class="decisions">${blocked.map(blockedItem)}${allowed.map((one) => allowedItem(one, now))}</ul>`}
<details id="decide"><summary>Allow or block another commit</summary>
<p>On the receiver. Both count at once:</p>
${copyable('sudo cis490 gate allow COMMIT --for 2h --why "hotfix on lab-07, merged tonight"')}
${copyable('sudo cis490 gate block COMMIT --why "writes torn frames"')}
</details>
</section>`;
}

function blockedItem({ commit, why, by }: GateStatus['blocked'][number]): Markup {
  return html`<li><p>${badge('bad', 'blocked')} ${whole(commit)}</p>
<p>${inertLine(why)} <span class="muted">by ${inertLine(by)}</span></p>
${
  by === 'configuration'
    ? html`<p class="muted">It stands in <code>blocked_commits</code> of <code>[version_gate]</code>; once it is gone from there:</p>${copyable('sudo systemctl reload cis490-receiver')}`
    : isCommit(commit) && copyable(`sudo cis490 gate unblock ${commit}`)
}</li>`;
}

function allowedItem({ commit, until, why, by }: GateStatus['allowed'][number], now: string): Markup {
  const leftS = (Date.parse(until) - Date.parse(now)) / 1000;
  return html`<li><p>${badge('warn', 'allowed')} ${whole(commit)} <span class="muted">for ${spanText(leftS)} more, until ${timeAt(until)}</span></p>
<p>${inertLine(why)} <span class="muted">by ${inertLine(by)}</span></p>
${isCommit(commit) && html`<p class="muted">To end it early:</p>${copyable(`sudo cis490 gate allow ${commit} --for 1min --why "no longer needed"`)}`}</li>`;
}

function whole(commit: string): Markup {
  return html`<code class="commit">${inertLine(commit)}</code>`;
}
