// cis490 quarantine show: one refused episode with its reason in full, what cures it, and its files.

import { join } from 'node:path';
import { formatSize } from '../../../lib/format-size.ts';
import { formatTable } from '../../../lib/format-table.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { directoryFiles } from './directory-files.ts';
import { countOf, formatFields, shortTime } from './format-text.ts';
import { nowhere } from './nowhere.ts';
import { cureOf } from './quarantine-cures.ts';
import type { QueueTools } from './queue-tools.ts';
import { selectQuarantined } from './select-quarantined.ts';
import { type QuarantinedEpisode, readQuarantine } from './settled-episodes.ts';

/** Throws `bad-input` when it is not there. */
export async function showQuarantined(tools: QueueTools, id: string, json: boolean): Promise<void> {
  const { layout, clock, output } = tools;
  const { selected, unknownIds } = selectQuarantined(await readQuarantine(layout), { ids: [id] }, clock.wallTime());
  if (unknownIds.length > 0) throw await nowhere(layout, id, 'quarantine');
  for (const [index, episode] of selected.entries()) {
    const directory = join(layout.quarantine, episode.name);
    const files = await directoryFiles(directory);
    if (json) {
      const sized = files.map(({ path, sizeBytes }) => ({ path, bytes: sizeBytes }));
      const { name, episodeId, note } = episode;
      const shown = { name, episode_id: episodeId, directory, reason: note ?? null, files: sized };
      output.write(`${JSON.stringify(shown, null, 2)}\n`);
      continue;
    }
    if (index > 0) output.write('\n');
    output.write(formatFields([['episode', episode.episodeId], ['lies in', directory], ...describeReason(episode)]));
    writeCure(tools, episode);
    const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    output.write(`\n${countOf(files.length, 'file')}, ${formatSize(bytes)}\n`);
    if (files.length > 0)
      output.write(
        formatTable(
          ['SIZE', 'PATH'],
          files.map((file) => [formatSize(file.sizeBytes), file.path]),
        ),
      );
  }
}

function describeReason({ note }: QuarantinedEpisode): [string, string][] {
  if (!note) return [['reason', 'none was written, or it cannot be read']];
  return [
    ['refused', shortTime(note.quarantined_at_wall)],
    ['by', note.status === 0 ? 'this host, without asking the receiver' : `the receiver, with status ${note.status}`],
    ['code', note.code],
    ['detail', note.detail || '-'],
    ['commit', note.commit ?? 'none'],
    ['head', note.head_commit ?? 'not told'],
    ['attempts', String(note.attempts)],
  ];
}

/** The receiver's own commands, one a line, then how it is sent again. */
function writeCure({ output }: QueueTools, { name, note }: QuarantinedEpisode): void {
  const commands = note?.remediation?.split('\n').filter((line) => line.trim() !== '') ?? [];
  if (commands.length > 0) output.write(`\nwhat the receiver says cures its cause:\n${indented(commands)}`);
  else if (note) output.write(`\n${cureOf(note.code, name).meaning}\n`);
  output.write(`\nto send it again:\n${indented([`cis490 quarantine requeue ${shellWord(name)}`])}`);
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line.replace(/\p{Cc}/gu, '?')}\n`).join('');
}
