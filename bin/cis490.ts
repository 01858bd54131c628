// argv → program → exit code; nothing else. Each program is loaded only when it is called.

import { basename, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { AppError } from '../src/lib/app-error.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { ConfigDefinition, ConfigOf } from '../src/lib/config/define-config.ts';
import { INSTALL_ROOT } from '../src/lib/install-root.ts';
import { chooseLogForm, createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../src/lib/logger.ts';
import { readIfThere } from '../src/lib/read-if-there.ts';

const WORK_FAILED = 1;
const BAD_USAGE = 2;
// A log line goes over a progress line, not behind it.
const CLEAR_LINE = '\r\x1b[2K';
// Failures that keep a program from starting at all, for want of a good configuration or input.
const USAGE_CODES = new Set(['bad-config', 'bad-input', 'cannot-make-directory', 'telemetry-bad-range']);

interface CommonOptions {
  config?: string;
  logLevel: LogLevel;
}

// A program whose log is no longer read goes on; one whose output is no longer read has nobody left to tell.
process.stderr.on('error', () => undefined);

const program = new Command('cis490')
  .description(
    'Collects recorded episodes from a fleet of Linux lab hosts into one store, exactly once, from trusted code only.',
  )
  .version(manifest.version)
  .showHelpAfterError('Run with --help for the options and examples.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : BAD_USAGE));

withCommonOptions(program.command('receiver'))
  .description('receive, gate and store episodes')
  .addHelpText('after', examples('cis490 receiver --config /etc/cis490/receiver.toml'))
  .action(async (options: CommonOptions) => {
    const [{ receiverConfigDefinition }, { runReceiver }, { parseVersionFile }] = await Promise.all([
      import('../src/receiver/receiver-config.ts'),
      import('../src/receiver/app.ts'),
      import('../src/protocol/episode-meta.ts'),
    ]);
    const { logger, config } = await prepare(options, receiverConfigDefinition);
    const version = parseVersionFile((await readIfThere(join(INSTALL_ROOT, 'VERSION'))) ?? '')?.commit ?? null;
    process.exitCode = await runReceiver({ config, version, stop: stopSignal(), logger, clock: systemClock });
  });

withCommonOptions(program.command('orchestrator'))
  .description('record episodes by running workloads')
  .option('--once', 'record each workload once, now, and exit')
  .addHelpText(
    'after',
    examples('cis490 orchestrator --config /etc/cis490/lab-host.toml', 'cis490 orchestrator --once'),
  )
  .action(async (options: CommonOptions & { once?: boolean }) => {
    const [{ labHostConfigDefinition }, { runOrchestrator }] = await Promise.all([
      import('../src/lab-host/lab-host-config.ts'),
      import('../src/lab-host/orchestrator/app.ts'),
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
      import('../src/lab-host/lab-host-config.ts'),
      import('../src/lab-host/shipper/app.ts'),
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
    const { runTelemetry } = await import('../src/lab-host/telemetry/app.ts');
    process.exitCode = await runTelemetry({
      durationS: options.duration,
      ratePerS: options.rate,
      outputDirectory: options.output ?? process.env['CIS490_EPISODE_DIR'] ?? process.cwd(),
      procRoot: '/proc',
      stop: stopSignal(),
      clock: systemClock,
    });
  });

program
  .command('config')
  .description('look at configuration files')
  .command('check')
  .description('tell every mistake in a configuration file at once')
  .argument('[file]', 'the file (default: both of /etc/cis490 that exist)')
  .addOption(
    new Option('--role <role>', 'which kind it is (default: by the name of the file)').choices([
      'lab-host',
      'receiver',
    ]),
  )
  .addHelpText(
    'after',
    examples('cis490 config check /etc/cis490/lab-host.toml', 'cis490 config check --role receiver my.toml'),
  )
  .action(async (file: string | undefined, options: { role?: 'lab-host' | 'receiver' }) => {
    const [{ checkConfig }, { labHostConfigDefinition }, { receiverConfigDefinition }, { existsSync }] =
      await Promise.all([
        import('../src/lib/config/check-config.ts'),
        import('../src/lab-host/lab-host-config.ts'),
        import('../src/receiver/receiver-config.ts'),
        import('node:fs'),
      ]);
    const definitions: Record<'lab-host' | 'receiver', ConfigDefinition> = {
      'lab-host': labHostConfigDefinition,
      receiver: receiverConfigDefinition,
    };
    endWithReader();
    const write = (text: string) => process.stdout.write(text);
    const named = file ?? process.env['CIS490_CONFIG'];
    const role = options.role ?? (named && basename(named).includes('receiver') ? 'receiver' : 'lab-host');
    const asked = named ?? (options.role && definitions[options.role].defaultPath);
    const checks = asked
      ? [{ definition: definitions[role], path: asked }]
      : Object.values(definitions)
          .map((definition) => ({ definition, path: definition.defaultPath }))
          .filter(({ path }) => existsSync(path));
    if (checks.length === 0) {
      throw new AppError('bad-input', 'there is no configuration in /etc/cis490', {
        hint: 'name a file: cis490 config check FILE',
      });
    }
    process.exitCode = Math.max(...checks.map((check) => checkConfig({ ...check, write })));
  });

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
    const { showEpisode } = await import('../src/receiver/data-set/show-episode.ts');
    await showEpisode({ tarball, member, output: process.stdout });
  });

program
  .command('all-in-one')
  .description('a receiver and one lab host on this machine, recording real telemetry, to see it work')
  .option('--dir <directory>', 'where its data lie', `${INSTALL_ROOT}/.cis490`)
  .option('--port <port>', 'the port of its receiver on 127.0.0.1 (0: any)', portNumber, 8490)
  .addHelpText('after', examples('cis490 all-in-one', 'cis490 all-in-one --dir /tmp/try --port 0'))
  .action(async (options: { dir: string; port: number }) => {
    const { runAllInOne } = await import('../src/all-in-one/app.ts');
    process.exitCode = await runAllInOne({
      directory: options.dir,
      port: options.port,
      installRoot: INSTALL_ROOT,
      stop: stopSignal('SIGHUP'),
      clock: systemClock,
      output: process.stdout,
    });
  });

await program.parseAsync().catch(fail);

function withCommonOptions(command: Command): Command {
  return command
    .addOption(new Option('--config <file>', 'the configuration file').env('CIS490_CONFIG'))
    .addOption(
      new Option('--log-level <level>', `the least level that is logged: ${LOG_LEVELS.join(', ')}`)
        .argParser(logLevel)
        .default('info'),
    );
}

async function prepare<Definition extends ConfigDefinition>(
  options: CommonOptions,
  definition: Definition,
  beforeLine = '',
): Promise<{ logger: Logger; config: ConfigOf<Definition> }> {
  const { loadConfig } = await import('../src/lib/config/load-config.ts');
  const logger = createLogger({
    level: options.logLevel,
    form: chooseLogForm(process.env, process.stderr.isTTY ?? false),
    clock: systemClock,
    write: (line) => process.stderr.write(beforeLine + line),
  });
  const { config, warnings } = loadConfig(definition, options.config ?? definition.defaultPath);
  for (const warning of warnings) logger.warn(String(warning));
  return { logger, config: config as ConfigOf<Definition> };
}

function stopSignal(...more: NodeJS.Signals[]): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', ...more] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

/** `… | head` is no failure. */
function endWithReader(): void {
  process.stdout.on('error', () => process.exit(0));
}

function fail(error: unknown): void {
  if (!(error instanceof AppError)) {
    process.stderr.write(`cis490: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = WORK_FAILED;
    return;
  }
  process.stderr.write(`cis490: ${error.message}\n`);
  if (error.hint) process.stderr.write(`cis490: ${error.hint}\n`);
  process.exitCode = USAGE_CODES.has(error.code) ? BAD_USAGE : WORK_FAILED;
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** In any case: journald and Python write it in capitals. */
function logLevel(text: string): LogLevel {
  const level = text.toLowerCase().replace(/^warning$/, 'warn');
  const known = LOG_LEVELS.find((name) => name === level);
  if (!known) throw new InvalidArgumentError(`must be one of ${LOG_LEVELS.join(', ')}.`);
  return known;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('must be a number above 0.');
  return value;
}

function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('must be 0 to 65535.');
  return value;
}
