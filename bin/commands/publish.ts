// cis490 publish.

import { type Command, InvalidArgumentError } from 'commander';
import { noStepObserver } from '../../src/lib/after-step.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { parseCommit } from '../../src/protocol/commit.ts';
import { type CommonOptions, examples, prepare, withCommonOptions } from './common.ts';

interface PublishOptions extends CommonOptions {
  id?: string;
  commit?: string;
  schemaVersion?: string;
  keep?: boolean;
}

export function registerPublish(program: Command): void {
  withCommonOptions(program.command('publish'))
    .summary('hand a directory over to the shipper, as an episode')
    .description('hand a directory that any recorder made over to the shipper, as an episode')
    .argument('<directory>', 'the finished recording; it becomes the episode, and is gone afterwards')
    .option('--id <id>', "the episode's id (default: that of its meta.json, else the directory's name)")
    .option('--commit <commit>', 'the git commit of the code that recorded it, in full', fullCommit)
    .option('--schema-version <version>', 'the version of the format that it is recorded in')
    .option('--keep', 'publish a copy, and leave the directory as it is')
    .addHelpText(
      'after',
      examples(
        'cis490 publish /srv/camera/run-17 --commit "$(git -C /opt/recorder rev-parse HEAD)"',
        'sudo cis490 publish ./run --id robot-3-run-17 --keep',
      ),
    )
    .action(async (directory: string, options: PublishOptions) => {
      const [{ labHostConfigDefinition }, { publishDirectory }] = await Promise.all([
        import('../../src/lab-host/lab-host-config.ts'),
        import('../../src/lab-host/orchestrator/publish-directory.ts'),
      ]);
      const { logger, config } = await prepare(options, labHostConfigDefinition);
      const episodeId = await publishDirectory({
        directory,
        given: { id: options.id, commit: options.commit, schemaVersion: options.schemaVersion },
        keep: options.keep ?? false,
        config,
        logger,
        clock: systemClock,
        afterStep: noStepObserver,
      });
      process.stdout.write(`${episodeId}\n`);
    });
}

function fullCommit(text: string): string {
  const commit = parseCommit(text);
  if (!commit) throw new InvalidArgumentError('must be a full git commit, 40 or 64 hex digits.');
  return commit;
}
