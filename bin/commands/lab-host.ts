// The programs of a lab host: orchestrator, shipper, and the workload that ships with it.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import { type CommonOptions, examples, positiveNumber, prepare, stopSignal, withCommonOptions } from './common.ts';

// A log line goes over a progress line, not behind it.
const CLEAR_LINE = '\r\x1b[2K';

export function registerLabHost(program: Command): void {
  withCommonOptions(program.command('orchestrator'))
    .description('record episodes by running workloads')
    .option('--once', 'record each workload once, now, and exit')
    .addHelpText(
      'after',
      examples('cis490 orchestrator --config /etc/cis490/lab-host.toml', 'cis490 orchestrator --once'),
    )
    .action(async (options: CommonOptions & { once?: boolean }) => {
      const [{ labHostConfigDefinition }, { runOrchestrator }] = await Promise.all([
        import('../../src/lab-host/lab-host-config.ts'),
        import('../../src/lab-host/orchestrator/app.ts'),
      ]);
      const { logger, config } = await prepare(options, labHostConfigDefinition);
      process.exitCode = await runOrchestrator({
        config,
        installRoot: INSTALL_ROOT,
        once: options.once ?? false,
        stop: stopSignal(),
        logger,
        clock: systemClock,
      });
    });

  withCommonOptions(program.command('shipper'))
    .description('pack finished episodes and ship them to the receiver')
    .option('--once', 'one pass: exit 0 when nothing is left to ship, 1 when something has to wait')
    .addHelpText('after', examples('cis490 shipper --config /etc/cis490/lab-host.toml', 'cis490 shipper --once'))
    .action(async (options: CommonOptions & { once?: boolean }) => {
      const [{ labHostConfigDefinition }, { runShipper }] = await Promise.all([
        import('../../src/lab-host/lab-host-config.ts'),
        import('../../src/lab-host/shipper/app.ts'),
      ]);
      const terminal = options.once && process.stderr.isTTY ? process.stderr : undefined;
      const { logger, config } = await prepare(options, labHostConfigDefinition, terminal ? CLEAR_LINE : '');
      process.exitCode = await runShipper({
        config,
        once: options.once ?? false,
        stop: stopSignal(),
        logger,
        clock: systemClock,
        ...(terminal && { terminal }),
      });
    });

  program
    .command('telemetry')
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
