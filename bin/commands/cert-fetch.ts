// cis490 cert-fetch; on a timer.

import type { Command } from 'commander';
import { noStepObserver } from '../../src/lib/after-step.ts';
import { AppError } from '../../src/lib/app-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { isThere } from '../../src/lib/is-there.ts';
import { type CommonOptions, examples, exitCodes, prepare, stopSignal, withCommonOptions } from './common.ts';

interface CertFetchCommandOptions extends CommonOptions {
  force?: boolean;
  tokenFile?: string;
  json?: boolean;
}

export function registerCertFetch(program: Command): void {
  withCommonOptions(program.command('cert-fetch'))
    .summary('renew the certificate of this host when it is due')
    .description("look after this host's certificate: renew it when it is due; nothing to do is no failure")
    .option('--force', 'renew it now, due or not')
    .option('--token-file <file>', 'enrol anew with the token in this file, after the certificate was revoked or lost')
    .option('--json', 'one JSON object in place of a line')
    .addHelpText(
      'after',
      examples(
        'cis490 cert-fetch',
        'cis490 cert-fetch --force',
        'cis490 cert-fetch --token-file /root/enrolment.token',
      ) + EXIT_CODES,
    )
    .action(async (options: CertFetchCommandOptions) => {
      const [{ labHostConfigDefinition }, { requireIdentityRoot }, { runCertFetch }, { becomeOwner }] =
        await Promise.all([
          import('../../src/lab-host/lab-host-config.ts'),
          import('../../src/lab-host/identity-layout.ts'),
          import('../../src/lab-host/cert-fetch/app.ts'),
          import('../../src/lib/become-owner.ts'),
        ]);
      const { logger, config } = await prepare(options, labHostConfigDefinition);
      const { cert, receiver, host_id: hostId } = config;
      if (!cert.enabled) {
        logger.info('[cert] enabled = false: the certificate of this host is looked after elsewhere');
        return;
      }
      const identityRoot = requireIdentityRoot(config);
      // Before the rights of root are given up: the file may be root's.
      const token = options.tokenFile === undefined ? undefined : await readToken(options.tokenFile);
      // Who may not look is told so by the next line.
      if (!(await isThere(identityRoot).catch(() => true))) throw notEnrolled(hostId, identityRoot);
      await becomeOwner(identityRoot);
      const result = await runCertFetch({
        identityRoot,
        hostId,
        estUrl: cert.est_url ?? receiver.url,
        caFile: receiver.tls?.ca_file,
        renewAt: cert.renew_at,
        connectTimeoutMs: receiver.connect_timeout_s * 1000,
        idleTimeoutMs: receiver.idle_timeout_s * 1000,
        token,
        force: options.force ?? false,
        stop: stopSignal(),
        clock: systemClock,
        logger,
        afterStep: noStepObserver,
      });
      const { not_after, renewal_due } = result;
      const text = `${result.result}: the certificate of ${hostId} is valid until ${not_after} and renewed from ${renewal_due} on`;
      process.stdout.write(`${options.json ? JSON.stringify(result) : text}\n`);
    });
}

async function readToken(path: string) {
  const { readSecret } = await import('../../src/lib/config/secret-file.ts');
  const read = readSecret(path);
  if ('secret' in read) return read.secret;
  throw new AppError('bad-input', `--token-file: found ${read.found}`, { hint: `allowed: ${read.allowed}` });
}

function notEnrolled(hostId: string, identityRoot: string): AppError {
  return new AppError('not-enrolled', `this host has no certificate: there is no ${identityRoot}`, {
    hint: `on the receiver: cis490 ca token --host ${hostId}; then here the command that it prints`,
  });
}

const EXIT_CODES = exitCodes({
  0: 'the certificate is good, or was renewed',
  1: 'it is due and could not be had: the message says why and what cures it, the old one stays in force, and the timer tries again',
  2: 'the configuration has a mistake',
});
