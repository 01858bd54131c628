// cis490 episode show.

import { open } from 'node:fs/promises';
import type { Command } from 'commander';
import { AppError, messageOf } from '../../src/lib/app-error.ts';
import { MAX_META_BYTES } from '../../src/protocol/episode-meta.ts';
import { WORK_FAILED } from '../usage-errors.ts';
import { endWithReader, examples } from './common.ts';

export function registerEpisode(program: Command): void {
  program
    .command('episode')
    .description('look into episodes')
    .addHelpText('after', examples('cis490 episode show run-17.tar.zst'))
    .command('show')
    .description('tell what a packed episode holds')
    .argument('<tarball>', 'an episode as the store or an outbox has it, .tar.zst')
    .argument('[member]', 'print this file of it instead')
    .option('--json', 'its meta.json and its files as one JSON object')
    .addHelpText(
      'after',
      examples(
        'cis490 episode show /var/lib/cis490/episodes/lab-07/telemetry-20260501T063753Z-3fa9c1.tar.zst',
        'cis490 episode show run-17.tar.zst telemetry.csv',
        'cis490 episode show --json run-17.tar.zst | jq .meta.code_version.commit',
      ),
    )
    .action(async (tarball: string, member: string | undefined, options: { json?: boolean }, command: Command) => {
      endWithReader();
      if (options.json) {
        if (member !== undefined) command.error('error: --json tells of all files; a single one is printed as it is');
        await showAsJson(tarball);
        return;
      }
      const { showEpisode } = await import('../../src/receiver/data-set/show-episode.ts');
      await showEpisode({ tarball, member, output: process.stdout });
    });
}

/** Exit code 1: it is damaged; what could be read is printed. */
async function showAsJson(tarball: string): Promise<void> {
  const { inspectEpisode } = await import('../../src/receiver/data-set/inspect-episode.ts');
  const file = await open(tarball).catch((error: unknown) => {
    throw new AppError('bad-input', `cannot read ${tarball}: ${messageOf(error)}`, { cause: error });
  });
  // A person who has enough of it presses Ctrl-C.
  const limits = {
    mostBytes: Number.POSITIVE_INFINITY,
    mostEntries: Number.POSITIVE_INFINITY,
    mostFiles: Number.POSITIVE_INFINITY,
    mostMetaBytes: MAX_META_BYTES,
    longestPath: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
  };
  const { meta, files, isWhole } = await inspectEpisode(file.createReadStream(), limits);
  const listed = files.map(({ path, sizeBytes, modifiedAt }) => ({ path, bytes: sizeBytes, modified_at: modifiedAt }));
  process.stdout.write(`${JSON.stringify({ is_whole: isWhole, meta, files: listed }, null, 2)}\n`);
  process.exitCode = isWhole ? 0 : WORK_FAILED;
}
