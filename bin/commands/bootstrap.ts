// cis490 bootstrap.

import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BootstrapFlags } from '../../src/lab-host/bootstrap/read-settings.ts';
import { noStepObserver } from '../../src/lib/after-step.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { INSTALL_ROOT } from '../../src/lib/install-root.ts';
import { commandLogger, examples, exitCodes, stopSignal } from './common.ts';

interface BootstrapCommandOptions extends BootstrapFlags {
  root?: string;
  seed?: string;
}

export function registerBootstrap(program: Command): void {
  program
    .command('bootstrap')
    .summary('make a lab host of this machine')
    .description(
      'make a lab host of this machine: certificate, configuration, installation, first report; may be run again at any point',
    )
    .option('--receiver <url>', 'https://…')
    .option('--token <token>', 'the enrolment token; others see it in the list of processes until it has been read')
    .option('--token-file <file>', 'or the file that holds it, mode 0600')
    .option('--ca-fingerprint <hex>', "SHA-256 of the receiver's authority: nothing is sent to anybody else")
    .option('--host-id <id>', "the name of this machine in the store (default: the machine's own)")
    .option(
      '--release-key <key>',
      'who may sign releases; several times for several',
      (key: string, before: string[] = []) => [...before, key],
    )
    .option('--with-telemetry', 'record what this machine does')
    .option('--root <dir>', 'in an image below this directory')
    .option(
      '--seed <file>',
      'a file with all of that (default: /etc/cis490/seed.toml, then cis490-seed.toml in /boot or /boot/firmware)',
    )
    .addHelpText(
      'after',
      examples(
        'cis490 bootstrap --receiver https://receiver.example:8443 --token-file enrolment.token --ca-fingerprint 4f1c…',
        'cis490 bootstrap --seed /media/stick/cis490-seed.toml',
      ) + EXIT_CODES,
    )
    .action(async (options: BootstrapCommandOptions) => {
      // Takes the token out of the list of processes.
      if (options.token !== undefined) process.title = 'cis490 bootstrap';
      // What is to be read by others is not, however strict the shell is; secrets have modes of their own.
      process.umask(0o022);
      const [{ runBootstrap }, { runCertFetch }] = await Promise.all([
        import('../../src/lab-host/bootstrap/app.ts'),
        import('../../src/lab-host/cert-fetch/app.ts'),
      ]);
      const { root, seed: seedPath, ...flags } = options;
      const into = resolve(root ?? '/');
      const logger = commandLogger('info');
      const shared = { stop: stopSignal(), clock: systemClock, logger };
      process.exitCode = await runBootstrap({
        flags,
        seedPath,
        root: into,
        isImage: into !== '/',
        uid: process.getuid?.() ?? 0,
        tree: INSTALL_ROOT,
        hostName: hostname(),
        environment: process.env,
        enrol: async (request) =>
          await runCertFetch({ ...request, ...ENROLMENT, ...shared, afterStep: noStepObserver }),
        print: (line) => process.stdout.write(`${line}\n`),
        ...shared,
        afterStep: noStepObserver,
      });
    });
}

/** Of a host that has no configuration yet. */
const ENROLMENT = { renewAt: 0.66, connectTimeoutMs: 10_000, idleTimeoutMs: 60_000 };

const EXIT_CODES = exitCodes({
  0: 'it is a lab host, and the receiver has heard of it',
  1: 'a step failed: the message says which, and the same command goes on from there',
  2: 'something given is missing or wrong, and nothing was done',
});
