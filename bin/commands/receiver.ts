// cis490 receiver.

import { join } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import { readIfThere } from '../../src/lib/read-if-there.ts';
import { type CommonOptions, examples, prepare, stopSignal, withCommonOptions } from './common.ts';

export function registerReceiver(program: Command): void {
  withCommonOptions(program.command('receiver'))
    .description('receive, gate and store episodes')
    .addHelpText('after', examples('cis490 receiver --config /etc/cis490/receiver.toml'))
    .action(async (options: CommonOptions) => {
      const [{ receiverConfigDefinition }, { runReceiver }, { parseVersionFile }] = await Promise.all([
        import('../../src/receiver/receiver-config.ts'),
        import('../../src/receiver/app.ts'),
        import('../../src/protocol/episode-meta.ts'),
      ]);
      const { logger, config } = await prepare(options, receiverConfigDefinition);
      const version = parseVersionFile((await readIfThere(join(INSTALL_ROOT, 'VERSION'))) ?? '')?.commit ?? null;
      process.exitCode = await runReceiver({ config, version, stop: stopSignal(), logger, clock: systemClock });
    });
}
