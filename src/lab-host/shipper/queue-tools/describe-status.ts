// The state of a shipper as lines for a person, what is wrong first of all after whether it runs.

import { formatDuration } from '../../../lib/format-duration.ts';
import { formatSize } from '../../../lib/format-size.ts';
import { countOf, formatFields, shortTime } from './format-text.ts';
import type { QueueStatus } from './read-status.ts';

const RUNS = {
  runs: 'runs',
  stopped: 'does not run: systemctl start cis490-shipper',
  unknown: 'not known: only Linux tells, and only of the same container',
} as const;

/** `nowWall` is a wall time as clock.ts writes it. */
export function describeStatus(status: QueueStatus, nowWall: string): string {
  const { waiting, saved, trouble } = status;
  const fields: [string, string][] = [['shipper', RUNS[status.shipper] + (status.pid ? `, pid ${status.pid}` : '')]];
  if (trouble) fields.push(...describeTrouble(trouble, nowWall));
  const oldest = waiting.oldest_finished_at_wall;
  fields.push(
    ['waiting', waiting.episodes === 0 ? 'nothing' : `${countOf(waiting.episodes)}, ${formatSize(waiting.bytes)}`],
    ['oldest', oldest === null ? '-' : `finished ${ago(oldest, nowWall)} (${shortTime(oldest)})`],
    ['rate', describeRate(status)],
    ['time left', describeTimeLeft(status)],
    ['quarantine', status.quarantine === 0 ? 'nothing' : `${countOf(status.quarantine)}: cis490 quarantine list`],
  );
  if (saved) fields.push(['done', describeDone(saved)], ['last answer', describeAnswer(saved, nowWall)]);
  fields.push(['kept', `${countOf(status.shipped_kept)} in shipped/`], ['free space', describeSpace(status)]);
  return formatFields(fields);
}

const TROUBLES: Record<string, string> = {
  held: 'held',
  transient: 'tried again and again',
  'no-room': 'no room on the disk',
};

function describeTrouble(trouble: NonNullable<QueueStatus['trouble']>, nowWall: string): [string, string][] {
  const { kind, code, detail, cure, since_wall } = trouble;
  const since = since_wall === null ? '' : `, since ${shortTime(since_wall)} (${ago(since_wall, nowWall)})`;
  const told = detail ? `\n${detail}` : '';
  return [
    ['trouble', `${TROUBLES[kind] ?? kind}: ${code}${since}${told}`],
    ['', kind === 'transient' ? `it goes on by itself as soon as it can; if it lasts: ${cure}` : `cure: ${cure}`],
  ];
}

function describeRate({ shipper, saved }: QueueStatus): string {
  if (shipper === 'stopped') return '-';
  const rate = saved?.sent_bytes_per_s;
  return rate === undefined || rate === null ? 'not known' : `${formatSize(rate)}/s`;
}

function describeTimeLeft({ waiting, eta_s, trouble, shipper }: QueueStatus): string {
  if (waiting.episodes === 0) return '-';
  if (shipper === 'stopped') return 'nothing is sent: no shipper runs';
  if (trouble) return 'nothing is sent now';
  return eta_s === null ? 'not known yet' : `at most ${formatDuration(eta_s)} at this rate`;
}

function describeDone(saved: NonNullable<QueueStatus['saved']>): string {
  const { shipped = 0, duplicates = 0, quarantined = 0, started_at_wall } = saved;
  const since = started_at_wall ? ` since ${shortTime(started_at_wall)}` : '';
  return `${shipped} shipped, ${duplicates} were there already, ${quarantined} quarantined${since}`;
}

function describeAnswer({ last_answer }: NonNullable<QueueStatus['saved']>, nowWall: string): string {
  if (!last_answer) return 'none yet';
  const { at_wall, episode_id, status, code } = last_answer;
  const what = [status === 0 ? 'no answer' : String(status), code].filter(Boolean).join(' ');
  return `${what} for ${episode_id}, ${ago(at_wall, nowWall)}`;
}

function describeSpace({ free_bytes, min_free_bytes }: QueueStatus): string {
  const short = free_bytes < min_free_bytes ? `: below min_free, ${formatSize(min_free_bytes)}` : '';
  return `${formatSize(free_bytes)}${short}`;
}

/** A clock that was set back is no negative age. */
function ago(wall: string, nowWall: string): string {
  const elapsedS = Math.max(0, (Date.parse(nowWall) - Date.parse(wall)) / 1000);
  if (Number.isNaN(elapsedS)) return 'at an unknown time';
  return elapsedS >= 172_800 ? `${Math.floor(elapsedS / 86_400)} days ago` : `${formatDuration(elapsedS)} ago`;
}
