// cis490 all-in-one.

import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import { examples, portNumber, stopSignal } from './common.ts';

export function registerAllInOne(program: Command): void {
  program
    .command('all-in-one')
    .summary('a receiver and one lab host on this machine')
    .description('a receiver and one lab host on this machine, recording real telemetry, to see it work')
    .addOption(
      new Option('--dir <directory>', 'where its data lie').default(
        join(INSTALL_ROOT, '.cis490'),
        '.cis490, where this program lies',
      ),
    )
    .option('--port <port>', 'the port of its receiver on 127.0.0.1 (0: any)', portNumber, 8490)
    .addHelpText('after', examples('cis490 all-in-one', 'cis490 all-in-one --dir /tmp/try --port 0'))
    .action(async (options: { dir: string; port: number }) => {
      const { runAllInOne } = await import('../../src/all-in-one/app.ts');
      process.exitCode = await runAllInOne({
        directory: options.dir,
        port: options.port,
        installRoot: INSTALL_ROOT,
        stop: stopSignal('SIGHUP'),
        clock: systemClock,
        output: process.stdout,
      });
    });
}
