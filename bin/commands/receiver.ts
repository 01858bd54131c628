// cis490 receiver.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT, installBase } from '../../src/lib/install-root.ts';
import { readIfThere } from '../../src/lib/read-if-there.ts';
import { type CommonOptions, examples, hangups, prepare, readConfig, stopSignal, withCommonOptions } from './common.ts';

export function registerReceiver(program: Command): void {
  withCommonOptions(program.command('receiver'))
    .description('receive, gate and store episodes')
    .addHelpText('after', examples('cis490 receiver --config /etc/cis490/receiver.toml'))
    .action(async (options: CommonOptions) => {
      const [{ receiverConfigDefinition }, { runReceiver }, { parseVersionFile }, { createNotifier }] =
        await Promise.all([
          import('../../src/receiver/receiver-config.ts'),
          import('../../src/receiver/app.ts'),
          import('../../src/protocol/episode-meta.ts'),
          import('../../src/lib/sd-notify.ts'),
        ]);
      const { subscribe } = hangups();
      const { logger, config } = await prepare(options, receiverConfigDefinition);
      const checkoutPath = installBase(INSTALL_ROOT);
      const version = parseVersionFile((await readIfThere(join(INSTALL_ROOT, 'VERSION'))) ?? '')?.commit ?? null;
      const notifier = createNotifier(process.env, logger);
      if (notifier.watchdogIntervalMs !== undefined) {
        setInterval(() => notifier.alive(), notifier.watchdogIntervalMs / 2).unref();
      }
      process.exitCode = await runReceiver({
        config,
        version,
        ...(existsSync(join(checkoutPath, '.git')) && { checkoutPath }),
        stop: stopSignal(),
        reloads: {
          load: () => readConfig(options, receiverConfigDefinition, logger),
          subscribe,
        },
        notifier,
        logger,
        clock: systemClock,
      });
      await notifier.settled();
    });
}
