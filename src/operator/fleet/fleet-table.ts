// The lab hosts as a table, a line each.

import { formatSize } from '../../lib/format-size.ts';
import { inertLine } from '../../lib/inert-text.ts';
import { styleOfAll, whyQuiet } from '../alerts/open-alert.ts';
import { grouped } from '../counted.ts';
import type { FleetHost } from '../receiver-answers.ts';
import { type Column, formatColumns } from '../terminal/format-columns.ts';
import { ago, span } from '../terminal/relative-time.ts';
import type { Style, View } from '../terminal/styles.ts';
import { isWell, stateOf } from './rank-hosts.ts';

const NOTHING = '–';
const SHORT_COMMIT = 7;
// An older heartbeat no longer says how its host is now: the monitor's own default.
const FRESH_S = 15 * 60;
const DOCTOR_STYLES: Readonly<Record<string, Style>> = { green: 'good', yellow: 'warn', red: 'bad', unknown: 'warn' };

export function formatFleetTable(hosts: readonly FleetHost[], nowMs: number, view: View): string[] {
  return formatColumns(columnsAt(nowMs), hosts, view);
}

function columnsAt(nowMs: number): Column<FleetHost>[] {
  return [
    { title: 'HOST', text: ({ host_id }) => inertLine(host_id), narrowest: 16 },
    { title: 'STATE', text: (host) => inertLine(stateOf(host)), style: styleOfState },
    { title: 'LAST STORED', text: ({ last_stored_at }) => (last_stored_at ? ago(last_stored_at, nowMs) : 'never') },
    { title: 'EPISODES/24H', text: ({ episodes_24h }) => grouped(episodes_24h ?? 0), isNumber: true, rank: 2 },
    { title: 'BYTES/24H', text: ({ bytes_24h }) => formatSize(bytes_24h ?? 0), isNumber: true, rank: 1 },
    {
      title: 'BACKLOG',
      text: (host) => describeBacklog(host, nowMs),
      style: (host) => (isStale(host, nowMs) ? 'dim' : host.heartbeat?.held ? 'bad' : undefined),
      narrowest: 12,
      rank: 5,
    },
    { title: 'COMMIT', text: describeCommit, rank: 3 },
    {
      title: 'DOCTOR',
      text: describeDoctor,
      style: ({ doctor }) => DOCTOR_STYLES[doctor?.status ?? ''],
      narrowest: 8,
      rank: 4,
    },
    { title: 'ALERTS', text: describeAlerts, style: ({ alerts }) => styleOfAll(alerts), narrowest: 12, rank: 6 },
  ];
}

function styleOfState(host: FleetHost): Style {
  if (isWell(host)) return stateOf(host) === 'retired' ? 'dim' : 'good';
  return styleOfAll(host.alerts) ?? 'bad';
}

function isStale({ heartbeat }: FleetHost, nowMs: number): boolean {
  return nowMs - Date.parse(heartbeat?.received_at_wall ?? '') > FRESH_S * 1000;
}

/** How much waits and since when; `?` where the host was not heard of for a while. */
function describeBacklog(host: FleetHost, nowMs: number): string {
  const { backlog, held } = host.heartbeat ?? {};
  if (!backlog && !held) return NOTHING;
  const doubt = isStale(host, nowMs) ? '?' : '';
  const episodes = grouped(backlog?.episodes ?? held?.count ?? 0);
  if (held) return `${episodes} held: ${inertLine(held.code ?? 'not told why')}${doubt}`;
  return (backlog?.oldest_s ? `${episodes}, ${span(backlog.oldest_s)}` : episodes) + doubt;
}

function describeCommit({ commit, head_distance: distance }: FleetHost): string {
  if (!commit) return NOTHING;
  const short = inertLine(commit).slice(0, SHORT_COMMIT);
  if (distance === null || distance === undefined) return short;
  return distance === 0 ? `${short}, head` : `${short}, ${grouped(distance)} behind`;
}

function describeDoctor({ doctor }: FleetHost): string {
  if (!doctor?.status) return NOTHING;
  const red = (doctor.red ?? []).map(({ id }) => inertLine(id));
  return red.length > 0 ? `${inertLine(doctor.status)}: ${red.join(', ')}` : inertLine(doctor.status);
}

/** Those that wait for somebody, then in parentheses those of which nobody is told. */
function describeAlerts({ alerts }: FleetHost): string {
  const of = (isQuiet: boolean) =>
    (alerts ?? [])
      .filter((alert) => (whyQuiet(alert) !== undefined) === isQuiet)
      .map(({ symptom }) => inertLine(symptom))
      .join(', ');
  const [waiting, quiet] = [of(false), of(true)];
  return [waiting, quiet && `(${quiet})`].filter((part) => part !== '').join(' ') || NOTHING;
}
