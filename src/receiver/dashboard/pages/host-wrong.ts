// What is wrong with a host now, the cure first: what the monitor found, or else what its state and its doctor say.

import { html } from 'hono/html';
import { HOST_STATES } from '../../../protocol/answers.ts';
import { isHostId } from '../../../protocol/ids.ts';
import { gravityOf } from '../../alerts/sort-alerts.ts';
import type { FleetHostInFull } from '../../fleet/read-fleet.ts';
import type { Markup } from '../page.ts';
import { type AlertView, alertItem } from '../show/alert.ts';
import { copyable } from '../show/command.ts';
import { counted } from '../show/figures.ts';

export function wrongNow(host: FleetHostInFull, view: AlertView): Markup {
  const { host_id: hostId, alerts, state } = host;
  if (alerts.length > 0) {
    const items = alerts.toSorted((left, right) => gravityOf(left) - gravityOf(right));
    return html`<section class="card" aria-labelledby="wrong"><h2 id="wrong">${counted(alerts.length, 'open alert')}</h2>
${items.map((alert) => alertItem({ ...alert, host: hostId }, view))}</section>`;
  }
  if (state === 'ok')
    return html`<section class="card verdict good"><p><strong>Nothing is known against it.</strong></p></section>`;
  if (state === 'retired') return html``;
  const red = host.doctor?.red ?? [];
  return html`<section class="card" aria-labelledby="wrong"><h2 id="wrong">No alert is open, but ${HOST_STATES[state]}</h2>
${red.map(({ id, meaning, cure }) => html`<p><strong>${id}</strong>: ${meaning}</p>${copyable(cure)}`)}
${red.length === 0 && isHostId(hostId) && html`<p>What it says itself:</p>${copyable(`ssh ${hostId} cis490 doctor`)}`}
</section>`;
}

export function retiredNote({ host_id: hostId, retired }: FleetHostInFull, when: Markup): Markup {
  if (!retired) return html``;
  return html`<section class="card verdict idle" aria-label="Retired"><div><p><strong>Retired</strong> by ${retired.by}, ${when}: ${retired.reason}</p>
<p class="muted">Nobody is told that it is silent. To take it back into the fleet, on the receiver:</p>${isHostId(hostId) && copyable(`cis490 host return ${hostId}`)}</div></section>`;
}
