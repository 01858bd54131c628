// cis490 ca.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { type CommonOptions, endWithReader, examples, withCommonOptions } from './common.ts';
import { withControl } from './token.ts';

const output = {
  write: (text: string) => void process.stdout.write(text),
  tell: (line: string) => void process.stderr.write(`${line}\n`),
};

export function registerCa(program: Command): void {
  const ca = program.command('ca').description('certificates of lab hosts');

  withCommonOptions(ca.command('revoke'))
    .description('let a certificate count no more, from the next request on')
    .option('--cert <file>', 'the certificate itself, in PEM; of several in the file the first')
    .option('--serial <hex>', 'or its serial number')
    .option('--fingerprint <hex>', 'or its SHA-256 fingerprint')
    .requiredOption('--why <text>', 'the reason, for those who look it up later')
    .addHelpText(
      'after',
      examples(
        'cis490 ca revoke --cert lab-07.crt --why "disk stolen"',
        'cis490 ca revoke --serial 1A2B3C --why "retired"',
      ),
    )
    .action(async (options: CommonOptions & { cert?: string; serial?: string; fingerprint?: string; why: string }) => {
      const { identifyCertificate, revokeCertificate } = await import(
        '../../src/receiver/identity/manage-revocations.ts'
      );
      // Before the rights of root are given up: the file may be root's.
      const certificate = identifyCertificate(options);
      await withControl(options, async ({ config, control }) =>
        revokeCertificate(certificate, options.why, { config, control, clock: systemClock, output }),
      );
    });

  withCommonOptions(ca.command('list-revoked'))
    .description('tell which certificates were revoked, when and why')
    .option('--json', 'for programs')
    .addHelpText('after', examples('cis490 ca list-revoked'))
    .action(async (options: CommonOptions & { json?: boolean }) => {
      endWithReader();
      const { listRevokedCertificates } = await import('../../src/receiver/identity/manage-revocations.ts');
      await withControl(options, async ({ control }) =>
        listRevokedCertificates({ json: options.json ?? false }, { control, output }),
      );
    });
}
