// cis490 autoupdate: this host's program, brought up to date; on a timer.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import {
  type CommonOptions,
  endWithReader,
  examples,
  exitCodes,
  prepare,
  stopSignal,
  withCommonOptions,
} from './common.ts';

interface AutoupdateCommandOptions extends CommonOptions {
  check?: boolean;
  json?: boolean;
}

// npm ci, git fetch over a slow link, a self-test on a slow machine.
const PROGRAM_LIMIT_MS = 15 * 60_000;
// What the launcher sets for this release must not reach another's.
const LAUNCHER_ONLY = ['NODE_COMPILE_CACHE', 'MALLOC_ARENA_MAX', 'UV_THREADPOOL_SIZE'];

export function registerAutoupdate(program: Command): void {
  withCommonOptions(program.command('autoupdate'))
    .summary('bring the program of this host up to date')
    .description('install the release that this host should run, watch it, and take it back when it does not work')
    .option('--once', 'one run: the default; a timer repeats it')
    .option('--check', 'only say what a run would do')
    .option('--json', 'print what it came to as one JSON object')
    .addHelpText(
      'after',
      examples('sudo cis490 autoupdate', 'cis490 autoupdate --check', 'sudo cis490 autoupdate --json') + EXIT_CODES,
    )
    .action(async (options: AutoupdateCommandOptions) => {
      const [{ labHostConfigDefinition }, { runAutoupdate }, { programRunner }] = await Promise.all([
        import('../../src/lab-host/lab-host-config.ts'),
        import('../../src/lab-host/autoupdate/app.ts'),
        import('../../src/lib/self-check/run-program.ts'),
      ]);
      endWithReader();
      const { logger, config } = await prepare(options, labHostConfigDefinition);
      const environment = Object.entries(process.env).filter(([name]) => !LAUNCHER_ONLY.includes(name));
      // git asks nobody: there is nobody. And a release stays as it was placed, without the caches of who tries it.
      const env = { ...Object.fromEntries(environment), GIT_TERMINAL_PROMPT: '0', NODE_DISABLE_COMPILE_CACHE: '1' };
      const { report, exitCode } = await runAutoupdate({
        config,
        configPath: options.config ?? labHostConfigDefinition.defaultPath,
        installRoot: INSTALL_ROOT,
        check: options.check ?? false,
        run: programRunner(env, PROGRAM_LIMIT_MS),
        clock: systemClock,
        logger,
        stop: stopSignal(),
      });
      if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
      process.exitCode = exitCode;
    });
}

const EXIT_CODES = exitCodes({
  0: 'updated, or nothing to do',
  1: 'it failed, or was rolled back',
  2: 'bad usage or configuration',
});
