// cis490 quarantine requeue and cis490 reship: back into the queue, as many as are asked for, with one command.

import { AppError, messageOf } from '../../../lib/app-error.ts';
import { formatWallTime } from '../../../lib/clock.ts';
import { inertLine } from '../../../lib/inert-text.ts';
import { countOf } from './format-text.ts';
import { nowhere } from './nowhere.ts';
import type { QueueTools } from './queue-tools.ts';
import { type ReturnAction, type ReturnReport, returnToQueue } from './return-to-queue.ts';
import { codeOf, type Selection, selectQuarantined, withId } from './select-quarantined.ts';
import { readQuarantine, readShipped, type SettledEpisode, type ShippedEpisode } from './settled-episodes.ts';
import { type Change, type ChangeOptions, tellAsJson, tellEach } from './tell-changes.ts';

export interface RequeueOptions extends ChangeOptions {
  selection: Selection;
  all: boolean;
}

/** Resolves with the exit code. Throws `bad-input` before anything is moved. */
export async function requeue(tools: QueueTools, options: RequeueOptions): Promise<number> {
  const { selection, all } = options;
  const { ids, code, commit } = selection;
  if (ids.length === 0 && code === undefined && commit === undefined && !all) {
    throw new AppError('bad-input', 'which ones? Name episodes, or say --code, --commit or --all', {
      hint: 'see what is there: cis490 quarantine list',
    });
  }
  if (all && (ids.length > 0 || code !== undefined || commit !== undefined))
    throw new AppError('bad-input', '--all beside a narrower choice; say one of them');
  const quarantined = await readQuarantine(tools.layout);
  const { selected, unknownIds } = selectQuarantined(quarantined, selection, tools.clock.wallTime());
  for (const id of unknownIds) throw await nowhere(tools.layout, id, 'quarantine');
  return await giveBack(tools, 'requeued', selected, options, (episode) => `refused for ${codeOf(episode)}`);
}

export interface ReshipOptions extends ChangeOptions {
  ids: readonly string[];
  /** RFC 3339, or a date: its beginning in UTC. */
  since?: string | undefined;
  until?: string | undefined;
}

/** By the time at which the receiver had it, as the receipt says. Throws `bad-input` before anything is moved. */
export async function reship(tools: QueueTools, options: ReshipOptions): Promise<number> {
  const { ids, since, until } = options;
  if (ids.length > 0 === (since !== undefined))
    throw new AppError('bad-input', 'which ones? Say --id ID…, or --since TIME');
  if (until !== undefined && since === undefined) throw new AppError('bad-input', '--until needs --since');
  const sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : readTimeMs('--since', since);
  const untilMs = until === undefined ? Number.POSITIVE_INFINITY : readTimeMs('--until', until);
  const shipped = await readShipped(tools.layout);
  const selected: ShippedEpisode[] = [];
  for (const id of ids) {
    const found = withId(shipped, id);
    if (found.length === 0) throw await nowhere(tools.layout, id, 'shipped');
    selected.push(...found);
  }
  if (ids.length === 0) selected.push(...shipped.filter((episode) => isWithin(episode, sinceMs, untilMs)));
  const told = ({ note }: ShippedEpisode) => `shipped ${note?.shipped_at_wall ?? ''}`;
  return await giveBack(tools, 'reshipped', [...new Set(selected)], options, told);
}

function isWithin({ note }: ShippedEpisode, sinceMs: number, untilMs: number): boolean {
  const shippedMs = Date.parse(note?.shipped_at_wall ?? '');
  return shippedMs >= sinceMs && shippedMs < untilMs;
}

async function giveBack<Episode extends SettledEpisode<unknown>>(
  tools: QueueTools,
  action: ReturnAction,
  episodes: readonly Episode[],
  options: ChangeOptions,
  describe: (episode: Episode) => string,
): Promise<number> {
  const { output } = tools;
  const { dryRun, json } = options;
  if (episodes.length === 0 && !json) {
    output.write(`nothing to do: no such episode is in ${action === 'requeued' ? 'quarantine' : 'shipped'}/\n`);
    return 0;
  }
  const reports: ReturnReport<Episode>[] =
    dryRun || episodes.length === 0
      ? episodes.map((episode) => ({ episode, outcome: 'returned' }))
      : await returnToQueue(tools, action, episodes);
  const stayed = reports.filter(({ outcome }) => outcome === 'taken' || outcome === 'failed');
  const exitCode = stayed.length > 0 ? 1 : 0;
  if (json) {
    const changes = reports.map((report) => asChange(report, action));
    tellAsJson(tools, action, options, changes);
    return exitCode;
  }
  const verb = dryRun ? `would be ${action}` : action;
  const moved = reports.flatMap(({ outcome, episode }) => (outcome === 'returned' ? episode : []));
  tellEach(tools, moved, (episode) => `${verb} ${episode.episodeId} (${describe(episode)})`);
  for (const report of stayed) output.write(`${inertLine(`stays ${report.episode.name}: ${whyItStays(report)}`)}\n`);
  const next = !dryRun && moved.length > 0 ? '; the shipper takes them up at its next scan' : '';
  const left = stayed.length > 0 ? `; ${countOf(stayed.length)} could not be` : '';
  output.write(`${countOf(moved.length)} ${verb}${next}${left}\n`);
  return exitCode;
}

function asChange(report: ReturnReport<SettledEpisode<unknown>>, action: ReturnAction): Change {
  const { outcome, episode } = report;
  const { episodeId: episode_id, name } = episode;
  if (outcome === 'returned') return { episode_id, name, outcome: action };
  if (outcome === 'gone') return { episode_id, name, outcome };
  return { episode_id, name, outcome: 'stays', detail: whyItStays(report) };
}

function whyItStays({ outcome, episode, error }: ReturnReport<SettledEpisode<unknown>>): string {
  return outcome === 'taken' ? `another ${episode.episodeId} waits in episodes/` : messageOf(error);
}

function readTimeMs(option: string, text: string): number {
  try {
    const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
    return Temporal.Instant.from(isDate ? `${text}T00:00Z` : text).epochMilliseconds;
  } catch {
    const example = formatWallTime(Temporal.Instant.fromEpochMilliseconds(0)).replace(/^.{10}/, '2026-05-01');
    throw new AppError(
      'bad-input',
      `${option}: found "${text}"; allowed: 2026-05-01 (its beginning, UTC), or a time with its zone such as ${example}`,
    );
  }
}
