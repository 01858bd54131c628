// What is stored of a host, and what it says of itself: each a list of names and words, whatever the host has sent.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import type { FleetHost } from '../../../protocol/answers.ts';
import { isHostId } from '../../../protocol/ids.ts';
import type { Markup } from '../page.ts';
import { badge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { commitCode, counted, countText, distanceText } from '../show/figures.ts';
import { commitLink } from '../show/links.ts';
import { spanText, timeAgo } from '../show/time.ts';

const SKEW_TOLD_S = 2;

type Fact = readonly [label: string, words: Markup | string | undefined];

/** What `shownOf` has kept of a heartbeat: of the known form, whatever its host has sent, and any of it may be missing. */
interface ShownHeartbeat {
  received_at_wall: string;
  sent_at_wall?: string | null;
  machine?: string | null;
  boot_id?: string | null;
  version?: { commit?: string | null; dirty?: boolean | null } | null;
  backlog?: { episodes?: number | null; bytes?: number | null; oldest_s?: number | null } | null;
  held?: { count?: number | null; code?: string | null } | null;
  quarantine?: {
    episodes?: number | null;
    recent?: { episodes?: number | null; without_asking?: number | null; code?: string | null } | null;
  } | null;
  recording?: {
    last_episode?: { episode_id?: string | null; finished_at_wall?: string | null } | null;
    workloads?: readonly string[];
  } | null;
  free_bytes?: number | null;
  update?: {
    source?: string | null;
    result?: string | null;
    target?: string | null;
    at_wall?: string | null;
    detail?: string | null;
    failures?: number | null;
  } | null;
}

export function storedFacts(host: FleetHost, hasGate: boolean, now: string): Markup {
  const { commit, head_distance: distance, outcomes } = host;
  const attempts = Object.entries(outcomes).toSorted(([, left], [, right]) => right - left);
  return factList([
    ['Last stored', timeAgo(host.last_stored_at, now)],
    ['Last seen', timeAgo(host.last_seen_at, now)],
    ['In 24 hours', `${counted(host.episodes_24h, 'episode')}, ${formatSize(host.bytes_24h)}`],
    ['In all', `${counted(host.episodes, 'episode')}, ${formatSize(host.bytes)}`],
    ['Commit', commit === null ? undefined : html`${commitLink(commit)}${hasGate && ` ${distanceText(distance)}`}`],
    [
      `Attempts in ${host.window_min} min`,
      attempts.length === 0 ? 'none' : attempts.map(([outcome, count]) => `${outcome} ${countText(count)}`).join(', '),
    ],
    ['Expected', host.expected ? 'yes' : 'no: known by what it sent'],
  ]);
}

export function heartbeatFacts(host: FleetHost, now: string): Markup {
  const { host_id: hostId } = host;
  const heartbeat = host.heartbeat as ShownHeartbeat | null;
  if (!heartbeat)
    return html`<p>None has come yet. Whether it reaches this receiver, the host says itself:</p>${isHostId(hostId) && copyable(`ssh ${hostId} cis490 shipper --ping`)}`;
  const { version, backlog, recording, free_bytes: freeBytes, machine, boot_id: boot } = heartbeat;
  return factList([
    ['Received', timeAgo(heartbeat.received_at_wall, now)],
    ['Backlog', backlogWords(backlog)],
    ['Held', heldWords(heartbeat.held)],
    ['Quarantine', quarantineWords(heartbeat.quarantine)],
    ['Free', typeof freeBytes === 'number' ? formatSize(freeBytes) : undefined],
    ['Last recorded', recordedWords(recording?.last_episode, now)],
    ['Workloads', recording?.workloads?.length ? recording.workloads.join(', ') : undefined],
    ['Update', updateWords(heartbeat.update, now)],
    ['Code', version?.commit ? html`${commitCode(version.commit)}${version.dirty && ' modified'}` : undefined],
    ['Clock', skewWords(heartbeat)],
    ['Machine', machine ? html`<span title="boot ${boot ?? '?'}">${machine}</span>` : undefined],
  ]);
}

function factList(facts: readonly Fact[]): Markup {
  return html`<dl class="facts">${facts.map(
    ([label, words]) => words !== undefined && html`<div><dt>${label}</dt><dd>${words}</dd></div>`,
  )}</dl>`;
}

function backlogWords(backlog: ShownHeartbeat['backlog']): string | undefined {
  if (!backlog) return undefined;
  if (!backlog.episodes) return 'nothing waits';
  const oldest = backlog.oldest_s ? `, the oldest for ${spanText(backlog.oldest_s)}` : '';
  return `${counted(backlog.episodes, 'episode')}, ${formatSize(backlog.bytes ?? 0)}${oldest}`;
}

function heldWords(held: ShownHeartbeat['held']): Markup | string {
  if (!held) return 'none';
  return html`${badge('bad', counted(held.count ?? 0, 'episode'))} ${held.code ?? 'not told why'}`;
}

function quarantineWords(quarantine: ShownHeartbeat['quarantine']): string | undefined {
  if (!quarantine) return undefined;
  const all = counted(quarantine.episodes ?? 0, 'episode');
  const { episodes, without_asking: unasked, code } = quarantine.recent ?? {};
  if (!episodes) return all;
  return `${all}, ${countText(episodes)} in the last hour${code ? ` for ${code}` : ''}${unasked ? `, ${countText(unasked)} without asking again` : ''}`;
}

function recordedWords(
  last: NonNullable<ShownHeartbeat['recording']>['last_episode'],
  now: string,
): Markup | undefined {
  if (!last) return undefined;
  return html`${last.episode_id ?? '?'}, ${timeAgo(last.finished_at_wall ?? '', now)}`;
}

function updateWords(update: ShownHeartbeat['update'], now: string): Markup | undefined {
  if (!update) return undefined;
  const { result, source, target, at_wall: at, detail, failures } = update;
  const tone = result === 'failed' || result === 'rolled-back' ? 'bad' : 'idle';
  return html`${result && badge(tone, result)}${target && html` to ${commitCode(target)}`}${source && ` by ${source}`}${at && html`, ${timeAgo(at, now)}`}${
    failures ? `, ${counted(failures, 'failure')} in a row` : ''
  }${detail && html`<br><span class="muted">${detail}</span>`}`;
}

/** The way of the heartbeat takes its time too: a second or two is no skew. */
function skewWords({ sent_at_wall: sent, received_at_wall: received }: ShownHeartbeat): string | undefined {
  const offS = (Date.parse(sent ?? '') - Date.parse(received)) / 1000;
  if (Number.isNaN(offS)) return undefined;
  if (Math.abs(offS) < SKEW_TOLD_S) return 'as the receiver’s';
  return `${spanText(Math.abs(offS))} ${offS > 0 ? 'ahead of' : 'behind'} the receiver’s`;
}
