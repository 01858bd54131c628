// Whether the monitor looks at all: without it nothing fires, and no alert means nothing.

import { html } from 'hono/html';
import type { Markup } from '../page.ts';
import { copyable } from './command.ts';
import { timeAgo } from './time.ts';

// Three of its runs.
const LATE_MS = 15 * 60_000;

export function isMonitorLate(ranAt: string | null, now: string): boolean {
  return ranAt === null || Date.parse(now) - Date.parse(ranAt) > LATE_MS;
}

export function alertFreshness(ranAt: string | null, now: string): Markup {
  if (!isMonitorLate(ranAt, now)) return html`<p class="muted">As the monitor found it ${timeAgo(ranAt, now)}.</p>`;
  return html`<div class="card verdict bad"><div>
<p>${ranAt === null ? html`<strong>The monitor has never run</strong>: no fault is found until it does.` : html`<strong>The monitor last ran ${timeAgo(ranAt, now)}</strong>: what happened since is not known here.`} On the receiver:</p>
${copyable('systemctl list-timers cis490-fleet-health.timer\nsudo systemctl enable --now cis490-fleet-health.timer\njournalctl -u cis490-fleet-health -n 50')}
</div></div>`;
}
