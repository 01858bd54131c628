// cis490 quarantine list: what was refused, for what, and the command for each kind of refusal.

import { formatTable } from '../../../lib/format-table.ts';
import { inertLine } from '../../../lib/inert-text.ts';
import { countOf, shortTime } from './format-text.ts';
import { cureOf } from './quarantine-cures.ts';
import type { CommandOutput, QueueTools } from './queue-tools.ts';
import { codeOf, NO_REASON, type Selection, selectQuarantined } from './select-quarantined.ts';
import { type QuarantinedEpisode, readQuarantine } from './settled-episodes.ts';

// So many fill a screen; of more, the newest are shown.
const SHOWN = 20;

export interface ListOptions {
  selection: Selection;
  all: boolean;
  json: boolean;
}

export async function listQuarantine(tools: QueueTools, { selection, all, json }: ListOptions): Promise<void> {
  const { layout, clock, output } = tools;
  const { selected } = selectQuarantined(await readQuarantine(layout), selection, clock.wallTime());
  const newestFirst = selected.toSorted((a, b) => (whenOf(a) > whenOf(b) ? -1 : 1));
  const groups = groupByCode(selected);
  if (json) {
    const episodes = newestFirst.map(({ name, episodeId, note }) => ({
      ...{ name, episode_id: episodeId, reason: note ?? null },
    }));
    output.write(`${JSON.stringify({ count: selected.length, codes: groups, episodes }, null, 2)}\n`);
    return;
  }
  if (selected.length === 0) {
    output.write('nothing in quarantine');
    output.write(selection.code || selection.commit ? ' that fits\n' : '\n');
    return;
  }
  writeTable(output, all ? newestFirst : newestFirst.slice(0, SHOWN));
  const hidden = selected.length - SHOWN;
  if (!all && hidden > 0) output.write(`… and ${countOf(hidden, 'older one')}: --all lists them, too\n`);
  output.write(`\n${countOf(selected.length)} in quarantine\n`);
  for (const { code, count, meaning, command } of groups) {
    output.write(`  ${count.toLocaleString('en')} × ${inertLine(code)}: ${meaning}\n      ${command}\n`);
  }
}

function writeTable(output: CommandOutput, episodes: readonly QuarantinedEpisode[]): void {
  const rows = episodes.map((episode) => [
    episode.name,
    shortTime(whenOf(episode)) || '-',
    codeOf(episode),
    episode.note?.commit?.slice(0, 10) ?? '-',
    String(episode.note?.attempts ?? '-'),
  ]);
  output.write(formatTable(['EPISODE', 'WHEN (UTC)', 'CODE', 'COMMIT', 'ATTEMPTS'], rows));
}

function whenOf({ note }: QuarantinedEpisode): string {
  return note?.quarantined_at_wall ?? '';
}

/** The largest first. */
function groupByCode(episodes: readonly QuarantinedEpisode[]) {
  const groups = [...Map.groupBy(episodes, codeOf)].map(([code, of]) => ({
    ...{ code, count: of.length },
    ...(code === NO_REASON
      ? {
          meaning: 'nobody has written why they are here; to send them:',
          command: `cis490 quarantine requeue --code ${NO_REASON}`,
        }
      : cureOf(code, of[0]?.name ?? '')),
  }));
  return groups.toSorted((a, b) => b.count - a.count);
}
