// cis490 doctor: what is sick on this machine, and the command that cures it.

import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import type { DoctorOptions } from '../../src/lab-host/doctor/doctor-context.ts';
import { AppError } from '../../src/lib/app-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import { hasColours } from '../../src/lib/terminal-styles.ts';
import type { DoctorRole } from '../../src/protocol/doctor-checks.ts';
import type { DoctorReport } from '../../src/protocol/doctor-report.ts';
import { type CommonOptions, commandLogger, endWithReader, examples, exitCodes, withCommonOptions } from './common.ts';

interface DoctorCommandOptions extends CommonOptions {
  json?: boolean;
  role?: DoctorRole;
  journalFile?: string;
}

const DEFAULT_PATHS: Record<DoctorRole, string> = {
  'lab-host': '/etc/cis490/lab-host.toml',
  receiver: '/etc/cis490/receiver.toml',
};

export function registerDoctor(program: Command): void {
  withCommonOptions(program.command('doctor'))
    .summary('tell what is sick on this machine, and what cures it')
    .description('tell what is sick on this machine, and the command that cures it; changes nothing')
    .option('--json', 'the report as JSON, as cis490 ship-health sends it')
    .addOption(
      new Option(
        '--role <role>',
        'as what this machine is looked at (default: by the configuration that is there)',
      ).choices(['lab-host', 'receiver']),
    )
    .option('--journal-file <file>', 'the log of the last ten minutes, in place of the journal')
    .addHelpText(
      'after',
      examples('cis490 doctor', 'cis490 doctor --json | jq .status', 'cis490 doctor --role receiver') + EXIT_CODES,
    )
    .action(async (options: DoctorCommandOptions) => {
      endWithReader();
      const report = await collect(options);
      await print(report, options.json ?? false);
      // What a check that ran into its limit has left open is not waited for; a call that hangs in the kernel still is.
      process.exit(report.status === 'red' ? 1 : 0);
    });
}

const EXIT_CODES = exitCodes({ 0: 'green or yellow', 1: 'red', 2: 'it could not look' });

async function collect(options: DoctorCommandOptions): Promise<DoctorReport> {
  const role = options.role ?? (await chooseRole(options.config));
  const doctorOptions: DoctorOptions = {
    configPath: options.config ?? DEFAULT_PATHS[role],
    installRoot: INSTALL_ROOT,
    journalFile: options.journalFile,
    environment: process.env,
    clock: systemClock,
    logger: commandLogger(options.logLevel),
  };
  if (role === 'receiver') {
    const { runReceiverDoctor } = await import('../../src/receiver/doctor/app.ts');
    return await runReceiverDoctor(doctorOptions);
  }
  const { collectDoctorReport } = await import('../../src/lab-host/doctor/app.ts');
  return await collectDoctorReport(doctorOptions);
}

/** By the name of the file that is given, else by which of the two is there; a lab host where both are. Throws `bad-input`. */
async function chooseRole(config: string | undefined): Promise<DoctorRole> {
  if (config !== undefined) return basename(config).includes('receiver') ? 'receiver' : 'lab-host';
  const { isThere } = await import('../../src/lib/is-there.ts');
  for (const role of ['lab-host', 'receiver'] as const) if (await isThere(DEFAULT_PATHS[role])) return role;
  throw new AppError('bad-input', 'there is no configuration in /etc/cis490', {
    hint: 'name one: cis490 doctor --config FILE',
  });
}

/** Resolves when stdout has taken all of it: an exit would cut off what a pipe has not. */
async function print(report: DoctorReport, json: boolean): Promise<void> {
  const text = json ? `${JSON.stringify(report, null, 2)}\n` : await describe(report);
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
}

async function describe(report: DoctorReport): Promise<string> {
  const { describeReport } = await import('../../src/lab-host/doctor/describe-report.ts');
  return describeReport(report, {
    hasColours: hasColours(process.stdout, process.env),
    columns: process.stdout.columns,
  });
}
