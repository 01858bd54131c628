// cis490 episode show.

import type { Command } from 'commander';
import { endWithReader, examples } from './common.ts';

export function registerEpisode(program: Command): void {
  program
    .command('episode')
    .description('look into episodes')
    .command('show')
    .description('tell what a packed episode holds')
    .argument('<tarball>', 'an episode as the store or an outbox has it, .tar.zst')
    .argument('[member]', 'print this file of it instead')
    .addHelpText(
      'after',
      examples('cis490 episode show /var/lib/cis490/episodes/lab-07/telemetry-20260501T063753Z-3fa9c1.tar.zst'),
    )
    .action(async (tarball: string, member: string | undefined) => {
      endWithReader();
      const { showEpisode } = await import('../../src/receiver/data-set/show-episode.ts');
      await showEpisode({ tarball, member, output: process.stdout });
    });
}
