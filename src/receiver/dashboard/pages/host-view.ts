// One host as a page: what is wrong and its cure, its last day, what it says of itself, and what it has shipped.

import { html } from 'hono/html';
import { HOST_STATES, type SilenceAnswer } from '../../../protocol/answers.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { CommitTally } from '../../../storage/ledger.ts';
import type { Alert, Silence } from '../../../storage/monitor-state.ts';
import { describeAlert, describeSilence } from '../../alerts/describe-alert.ts';
import type { FleetHostInFull } from '../../fleet/read-fleet.ts';
import type { Markup, Page } from '../page.ts';
import { type AlertView, alertItem, type ShownAlert } from '../show/alert.ts';
import { alertFreshness, isMonitorLate } from '../show/alert-freshness.ts';
import { stateBadge, statusBadge } from '../show/badges.ts';
import { doctorChecks } from '../show/doctor.ts';
import { timeAgo } from '../show/time.ts';
import { alertsPath } from './alerts-question.ts';
import { heartbeatFacts, storedFacts } from './host-facts.ts';
import { commitsTable, type DistanceOf, lastEpisodes } from './host-stored.ts';
import { type HostDay, hostTimeline } from './host-timeline.ts';
import { retiredNote, wrongNow } from './host-wrong.ts';

/** No filter. */
const ALL = { tab: 'open', host: '', symptom: undefined } as const;

export interface HostFacts {
  host: FleetHostInFull;
  day: HostDay;
  pastAlerts: readonly Alert[];
  silences: readonly Silence[];
  commits: readonly CommitTally[];
  lastEpisodes: readonly SequencedRow[];
  distanceOf: DistanceOf;
  /** When the monitor last looked. */
  ranAt: string | null;
  mayAcknowledge: boolean;
  maySilence: boolean;
  /** A wall time. */
  now: string;
}

export function hostView(facts: HostFacts): Page {
  const { host, day, commits, distanceOf, ranAt, now } = facts;
  const { host_id: hostId, state, doctor } = host;
  const silences = facts.silences.map((silence) => describeSilence(silence, now));
  const view = alertViewOf(facts, silences);
  return {
    title: `${hostId}: ${state}`,
    section: 'fleet',
    topics: ['hosts', 'stored', 'alerts', 'tick'],
    body: html`<div class="host" data-only-host="${hostId}">
<div class="page-head" data-live="head"><h1>${hostId}</h1><p>${stateBadge(state)} <span class="muted">${HOST_STATES[state]}; last seen ${timeAgo(host.last_seen_at, now)}</span></p>
${facts.maySilence && state !== 'retired' && html`<a class="button" href="${silencePath(hostId)}">Silence…</a>`}</div>
<div data-live="wrong">${isMonitorLate(ranAt, now) && alertFreshness(ranAt, now)}${retiredNote(host, timeAgo(host.retired?.at ?? null, now))}${wrongNow(host, view)}</div>
<section class="card" aria-labelledby="day" data-live="day"><h2 id="day">The last 24 hours</h2>${hostTimeline(day, now)}</section>
<div class="grid">
${part('stored', 'Stored', storedFacts(host, distanceOf !== undefined, now))}
${part('heartbeat', 'Heartbeat', heartbeatFacts(host, now))}
</div>
${part('doctor', html`Doctor ${doctor && statusBadge(doctor.status)}`, doctorPart(host, now))}
${part('episodes', 'Last episodes', lastEpisodes(facts.lastEpisodes, hostId, now))}
${part('commits', 'Commits it shipped', commitsTable(commits, distanceOf))}
${part('past', 'Past alerts', pastAlerts(facts, view))}
</div>`,
  };
}

function part(name: string, title: Markup | string, body: Markup): Markup {
  return html`<section class="card" aria-labelledby="${name}" data-live="${name}"><h2 id="${name}">${title}</h2>${body}</section>`;
}

function doctorPart({ host_id: hostId, doctor }: FleetHostInFull, now: string): Markup {
  if (!doctor) return html`<p class="muted">No report has come yet.</p>`;
  return html`<p class="muted">Reported ${timeAgo(doctor.received_at_wall, now)}.</p>${doctorChecks(doctor.checks, hostId)}`;
}

function pastAlerts({ pastAlerts: past, now }: HostFacts, view: AlertView): Markup {
  if (past.length === 0) return html`<p class="muted">None that the monitor still knows of.</p>`;
  return html`${past.map((alert) => alertItem(describeAlert(alert, [], now), view))}`;
}

function alertViewOf(
  { host, mayAcknowledge, maySilence, now }: HostFacts,
  silences: readonly SilenceAnswer[],
): AlertView {
  const { host_id: hostId } = host;
  const back = `/hosts/${hostId}`;
  const acknowledge = ({ id }: ShownAlert) => alertsPath(ALL, { acknowledge: id, back });
  const silence = ({ symptom }: ShownAlert) => alertsPath({ ...ALL, host: hostId, symptom }, { silence: 'new', back });
  return { now, silences, withHost: false, ...(mayAcknowledge && { acknowledge }), ...(maySilence && { silence }) };
}

function silencePath(hostId: string): string {
  return alertsPath({ ...ALL, host: hostId }, { silence: 'new', back: `/hosts/${hostId}` });
}
