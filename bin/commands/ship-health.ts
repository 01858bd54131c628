// cis490 ship-health: the doctor's report, to the receiver; on a timer.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import {
  type CommonOptions,
  commandLogger,
  examples,
  exitCodes,
  note,
  stopSignal,
  withCommonOptions,
} from './common.ts';

export function registerShipHealth(program: Command): void {
  withCommonOptions(program.command('ship-health'))
    .summary('send the report of the doctor to the receiver')
    .description('run the doctor, and send its report to the receiver, which keeps the last one of each host')
    .addHelpText('after', examples('cis490 ship-health') + EXIT_CODES)
    .action(async (options: CommonOptions) => {
      const [{ collectDoctorReport }, { shipHealth }, { labHostConfigDefinition }] = await Promise.all([
        import('../../src/lab-host/doctor/app.ts'),
        import('../../src/lab-host/ship-health/app.ts'),
        import('../../src/lab-host/lab-host-config.ts'),
      ]);
      const logger = commandLogger(options.logLevel);
      const looked = {
        configPath: options.config ?? labHostConfigDefinition.defaultPath,
        installRoot: INSTALL_ROOT,
        clock: systemClock,
        logger,
      };
      const report = await collectDoctorReport({ ...looked, environment: process.env });
      // What a check that ran into its limit has left open is not waited for; a call that hangs in the kernel still is.
      process.exit(await shipHealth({ ...looked, report, stop: stopSignal() }));
    });
}

const EXIT_CODES =
  exitCodes({
    0: 'the report is stored, however red it is',
    1: 'it could not be stored: the log names the layer and the cure',
    2: 'the configuration has a mistake: a report of that is sent all the same where it says to whom and with which credential',
  }) +
  note('A receiver that takes no health reports (404, 405) counts as 1: nobody would learn that this host is sick.');
