// The fleet's page before the first host: what is the matter with the receiver, if anything, and how a host is added.

import { html } from 'hono/html';
import type { Markup } from '../page.ts';
import { copyable } from '../show/command.ts';
import type { FleetPicture } from './fleet-picture.ts';
import { showTasks, tasksOf } from './fleet-tasks.ts';
import { judgeFleet } from './fleet-verdict.ts';

export function noHostYet(picture: FleetPicture): Markup {
  const { tone, headline, findings } = judgeFleet(picture);
  // Before there is a host there is nothing that a monitor could miss.
  const told = findings.filter((finding) => finding.tone === 'bad');
  return html`<div class="card summary"><section class="verdict ${tone === 'bad' ? 'bad' : 'idle'}" aria-label="Verdict" aria-live="polite" data-live="no-host"><h1>${tone === 'bad' ? headline : 'No lab host is known yet'}</h1></section></div>
${showTasks(tasksOf(picture, told))}
<section class="card first-host"><h2>Add the first lab host</h2>
<ol><li><p>On this receiver: a token for the new machine. The answer has the whole command for it.</p>${copyable('sudo cis490 ca token --host lab-01')}</li>
<li><p>On the new machine, as the answer of the first says it:</p>${copyable('sudo cis490 bootstrap --receiver https://RECEIVER:8443 --token TOKEN --ca-fingerprint FINGERPRINT --host-id lab-01')}</li></ol>
<p class="muted">Without certificates of the receiver’s own: a token of another kind, for the machine’s configuration. <code>cis490 token create --role host --host lab-01</code></p>
<p class="muted">A host appears here with the first thing that it sends, or when <code>[fleet] expected_hosts</code> in receiver.toml names it.</p>
</section>`;
}
