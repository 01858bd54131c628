// The programs of a lab host: orchestrator, shipper, and the workload that ships with it.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import { CLEAR_LINE } from '../../src/lib/terminal-line.ts';
import { hasColours } from '../../src/lib/terminal-styles.ts';
import {
  type CommonOptions,
  examples,
  hangups,
  positiveNumber,
  prepare,
  progressTerminal,
  readConfig,
  stopSignal,
  withCommonOptions,
} from './common.ts';
import { registerShipperStatus } from './quarantine.ts';

interface ShipperCommandOptions extends CommonOptions {
  once?: boolean;
  ping?: boolean;
  json?: boolean;
}

export function registerLabHost(program: Command): void {
  withCommonOptions(program.command('orchestrator'))
    .description('record episodes by running workloads')
    .option('--once', 'record each workload once, now, run the jobs that wait, and exit')
    .addHelpText(
      'after',
      examples('cis490 orchestrator --config /etc/cis490/lab-host.toml', 'cis490 orchestrator --once'),
    )
    .action(async (options: CommonOptions & { once?: boolean }) => {
      const [{ labHostConfigDefinition }, { runOrchestrator }, { createNotifier }] = await Promise.all([
        import('../../src/lab-host/lab-host-config.ts'),
        import('../../src/lab-host/orchestrator/app.ts'),
        import('../../src/lib/sd-notify.ts'),
      ]);
      const { subscribe } = hangups();
      const { logger, config } = await prepare(options, labHostConfigDefinition);
      const notifier = createNotifier(process.env, logger);
      process.exitCode = await runOrchestrator({
        config,
        installRoot: INSTALL_ROOT,
        once: options.once ?? false,
        stop: stopSignal(),
        reloads: {
          load: () => readConfig(options, labHostConfigDefinition, logger),
          subscribe,
        },
        notifier,
        logger,
        clock: systemClock,
      });
      await notifier.settled();
    });

  const shipper = withCommonOptions(program.command('shipper'));
  registerShipperStatus(shipper);
  shipper
    .description('pack finished episodes and ship them to the receiver')
    .option('--once', 'one pass: exit 0 when nothing is left to ship, 1 when something has to wait')
    .option('--ping', 'check the path to the receiver layer by layer and say which fails: exit 0 when it is whole')
    .option('--json', 'with --ping: one JSON object in place of lines')
    .addHelpText(
      'after',
      examples('cis490 shipper --config /etc/cis490/lab-host.toml', 'cis490 shipper --once', 'cis490 shipper --ping'),
    )
    .action(async (options: ShipperCommandOptions) => {
      if (options.ping) return await ping(options);
      const [{ labHostConfigDefinition }, { runShipper }, { createNotifier }] = await Promise.all([
        import('../../src/lab-host/lab-host-config.ts'),
        import('../../src/lab-host/shipper/app.ts'),
        import('../../src/lib/sd-notify.ts'),
      ]);
      const terminal = options.once ? progressTerminal() : undefined;
      const { subscribe } = hangups();
      const { logger, config } = await prepare(options, labHostConfigDefinition, terminal ? CLEAR_LINE : '');
      const notifier = createNotifier(process.env, logger);
      process.exitCode = await runShipper({
        config,
        installRoot: INSTALL_ROOT,
        once: options.once ?? false,
        stop: stopSignal(),
        reloads: {
          load: () => readConfig(options, labHostConfigDefinition, logger),
          subscribe,
        },
        notifier,
        logger,
        clock: systemClock,
        ...(terminal && { terminal }),
      });
      await notifier.settled();
    });

  program
    .command('telemetry')
    .summary('sample the counters of this machine into a CSV file')
    .description("the workload that ships with it: sample this machine's /proc counters into telemetry.csv")
    .option('--duration <seconds>', 'how long to sample', positiveNumber, 60)
    .option('--rate <per-second>', 'samples per second', positiveNumber, 1)
    .option('--output <directory>', 'where to write (default: $CIS490_EPISODE_DIR, else here)')
    .addHelpText('after', examples('cis490 telemetry --duration 10 --rate 2 --output /tmp'))
    .action(async (options: { duration: number; rate: number; output?: string }) => {
      const { runTelemetry } = await import('../../src/lab-host/telemetry/app.ts');
      process.exitCode = await runTelemetry({
        durationS: options.duration,
        ratePerS: options.rate,
        outputDirectory: options.output ?? process.env['CIS490_EPISODE_DIR'] ?? process.cwd(),
        procRoot: '/proc',
        stop: stopSignal(),
        clock: systemClock,
      });
    });
}

async function ping(options: ShipperCommandOptions): Promise<void> {
  const [{ labHostConfigDefinition }, { runPing }] = await Promise.all([
    import('../../src/lab-host/lab-host-config.ts'),
    import('../../src/lab-host/shipper/ping.ts'),
  ]);
  const { logger, config } = await prepare(options, labHostConfigDefinition);
  process.exitCode = await runPing({
    config,
    installRoot: INSTALL_ROOT,
    form: options.json ? 'json' : hasColours(process.stdout, process.env) ? 'colours' : 'plain',
    logger,
    print: (text) => process.stdout.write(text),
  });
}
