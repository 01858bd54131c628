// All that is known of one host, for a person: what is wrong, each with its cure, then figures.

import { formatSize } from '../../lib/format-size.ts';
import { inertLine, inertLines } from '../../lib/inert-text.ts';
import { describeAlert } from '../alerts/describe-alerts.ts';
import { gravityOf } from '../alerts/open-alert.ts';
import { counted, grouped } from '../counted.ts';
import type { FleetHost, SeenHeartbeat } from '../receiver-answers.ts';
import { agoInFull, span } from '../terminal/relative-time.ts';
import type { View } from '../terminal/styles.ts';
import { isWell, stateOf } from './rank-hosts.ts';

const LABEL_WIDTH = 13;
const SKEW_TOLD_S = 2;

type Fact = readonly [label: string, text: string | undefined];

export function describeHost(host: FleetHost, nowMs: number, view: View): string[] {
  const alerts = (host.alerts ?? []).toSorted((left, right) => gravityOf(left) - gravityOf(right));
  const state = view.paint(isWell(host) ? 'good' : 'bad', inertLine(stateOf(host)));
  return [
    `${view.paint('bold', inertLine(host.host_id))} is ${state}: ${alerts.length === 0 ? 'no alert is open' : `${counted(alerts.length, 'alert')} open`}`,
    ...alerts.flatMap((alert) => describeAlert(alert, nowMs, view)),
    ...section('Doctor', describeDoctor(host, nowMs, view), view),
    ...section('Stored', describeFacts(factsOf(host, nowMs), view), view),
    ...section('Heartbeat', describeHeartbeat(host.heartbeat, nowMs, view), view),
  ];
}

function section(title: string, lines: readonly string[], view: View): string[] {
  return ['', view.paint('bold', title), ...lines];
}

function describeFacts(facts: readonly Fact[], view: View): string[] {
  return facts.flatMap(([label, text]) =>
    text === undefined ? [] : [`  ${view.paint('dim', label.padEnd(LABEL_WIDTH))} ${text}`],
  );
}

function factsOf(host: FleetHost, nowMs: number): Fact[] {
  const { retired, head_distance: distance, outcomes } = host;
  const attempts = Object.entries(outcomes ?? {}).toSorted(([, left], [, right]) => right - left);
  return [
    ['last stored', host.last_stored_at ? agoInFull(host.last_stored_at, nowMs) : 'never'],
    ['last seen', host.last_seen_at ? agoInFull(host.last_seen_at, nowMs) : 'never'],
    ['in 24 h', `${counted(host.episodes_24h ?? 0, 'episode')}, ${formatSize(host.bytes_24h ?? 0)}`],
    ['in all', `${counted(host.episodes ?? 0, 'episode')}, ${formatSize(host.bytes ?? 0)}`],
    ['commit', host.commit ? `${inertLine(host.commit)}${describeDistance(distance)}` : undefined],
    [
      `last ${host.window_min ?? 30} min`,
      attempts.length === 0
        ? 'no attempts'
        : attempts.map(([outcome, count]) => `${inertLine(outcome)} ${grouped(count)}`).join(', '),
    ],
    ['expected', host.expected ? 'yes' : 'no, it is known by what it sent'],
    [
      'retired',
      retired
        ? `by ${inertLine(retired.by ?? '?')}, ${agoInFull(retired.at ?? '', nowMs)}: ${inertLine(retired.reason ?? '')}`
        : undefined,
    ],
  ];
}

function describeDistance(distance: number | null | undefined): string {
  if (distance === null || distance === undefined) return '';
  return distance === 0 ? ', the head' : `, ${counted(distance, 'commit')} behind the head`;
}

function describeHeartbeat(heartbeat: SeenHeartbeat | null | undefined, nowMs: number, view: View): string[] {
  if (!heartbeat) return ['  none has come'];
  const { version, backlog, held, quarantine, recording, free_bytes: freeBytes, update } = heartbeat;
  const last = recording?.last_episode;
  return describeFacts(
    [
      ['received', heartbeat.received_at_wall ? agoInFull(heartbeat.received_at_wall, nowMs) : undefined],
      ['clock', describeSkew(heartbeat)],
      [
        'machine',
        heartbeat.machine ? `${inertLine(heartbeat.machine)}, boot ${inertLine(heartbeat.boot_id ?? '?')}` : undefined,
      ],
      ['code', version?.commit ? `${inertLine(version.commit)}${version.dirty ? ', modified' : ''}` : undefined],
      ['backlog', describeBacklog(backlog)],
      [
        'held',
        held
          ? view.paint('bad', `${counted(held.count ?? 0, 'episode')}: ${inertLine(held.code ?? 'not told why')}`)
          : undefined,
      ],
      ['quarantine', describeQuarantine(quarantine)],
      [
        'recorded',
        last ? `${inertLine(last.episode_id ?? '?')}, ${agoInFull(last.finished_at_wall ?? '', nowMs)}` : undefined,
      ],
      ['workloads', recording?.workloads?.length ? recording.workloads.map(inertLine).join(', ') : undefined],
      ['free', typeof freeBytes === 'number' ? formatSize(freeBytes) : undefined],
      ['update', describeUpdate(update, nowMs)],
    ],
    view,
  );
}

/** The way of the heartbeat takes its time too: a second or two is no skew. */
function describeSkew({ sent_at_wall: sent, received_at_wall: received }: SeenHeartbeat): string | undefined {
  const offS = (Date.parse(sent ?? '') - Date.parse(received ?? '')) / 1000;
  if (Number.isNaN(offS)) return undefined;
  if (Math.abs(offS) < SKEW_TOLD_S) return 'as the receiver’s';
  return `${span(Math.abs(offS))} ${offS > 0 ? 'ahead of' : 'behind'} the receiver’s`;
}

function describeBacklog(backlog: SeenHeartbeat['backlog']): string | undefined {
  if (!backlog) return undefined;
  const oldest = backlog.oldest_s ? `, the oldest for ${span(backlog.oldest_s)}` : '';
  return `${counted(backlog.episodes ?? 0, 'episode')}, ${formatSize(backlog.bytes ?? 0)}${oldest}`;
}

function describeQuarantine(quarantine: SeenHeartbeat['quarantine']): string | undefined {
  if (!quarantine) return undefined;
  const all = counted(quarantine.episodes ?? 0, 'episode');
  const { episodes, without_asking: unasked, code } = quarantine.recent ?? {};
  if (!episodes) return all;
  const why = code ? ` for ${inertLine(code)}` : '';
  return `${all}, ${grouped(episodes)} of the last hour${why}${unasked ? `, ${grouped(unasked)} without asking again` : ''}`;
}

function describeUpdate(update: SeenHeartbeat['update'], nowMs: number): string | undefined {
  if (!update) return undefined;
  const { result, source, at_wall: at, target, detail } = update;
  const parts = [
    result && inertLine(result),
    target && `to ${inertLine(target).slice(0, 7)}`,
    source && `by ${inertLine(source)}`,
    at && agoInFull(at, nowMs),
  ].filter((part) => part);
  return parts.join(', ') + (detail ? `: ${inertLine(detail)}` : '');
}

function describeDoctor({ doctor }: FleetHost, nowMs: number, view: View): string[] {
  if (!doctor) return ['  no report has come'];
  const status = doctor.status ?? 'unknown';
  const style = status === 'green' ? 'good' : status === 'red' ? 'bad' : 'warn';
  const lines = [`  ${view.paint(style, inertLine(status))}, ${agoInFull(doctor.received_at_wall ?? '', nowMs)}`];
  const saidOf = new Map((doctor.checks ?? []).map(({ id, summary }) => [id, summary]));
  for (const { id, meaning, cure } of doctor.red ?? []) {
    lines.push(`  ${view.paint('bad', inertLine(id))}: ${inertLine(meaning ?? '')}`);
    const said = saidOf.get(id);
    if (said) lines.push(view.paint('dim', `    it says: ${inertLine(said)}`));
    for (const command of inertLines(cure ?? '')) lines.push(`    ${view.paint('command', command)}`);
  }
  const others = (doctor.checks ?? []).filter((check) => check.status === 'yellow' || check.status === 'unknown');
  for (const check of others) {
    lines.push(`  ${view.paint('warn', inertLine(check.id))}: ${inertLine(check.status ?? '')}`);
    if (check.summary) lines.push(view.paint('dim', `    it says: ${inertLine(check.summary)}`));
  }
  return lines;
}
