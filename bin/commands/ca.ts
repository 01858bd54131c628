// cis490 ca.

import type { Command } from 'commander';
import { noStepObserver } from '../../src/lib/after-step.ts';
import { AppError } from '../../src/lib/app-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { CommandContext } from '../../src/receiver/certificates/command-context.ts';
import { type CommonOptions, endWithReader, examples, hostId, output, prepare, withCommonOptions } from './common.ts';
import { withControl } from './token.ts';

export function registerCa(program: Command): void {
  const ca = program
    .command('ca')
    .summary('the authority of the fleet, and its certificates')
    .description('the certificate authority of the fleet, and the certificates of its hosts')
    .addHelpText('after', examples('sudo cis490 ca token --host lab-07', 'cis490 ca list'));
  registerAuthority(ca);
  registerEnrolment(ca);
  registerRevocation(ca);
}

function registerAuthority(ca: Command): void {
  withCommonOptions(ca.command('init'))
    .summary('make this receiver the authority of its fleet')
    .description("make this receiver the fleet's certificate authority, with a certificate of its own")
    .requiredOption('--name <name>', 'a DNS name or an IP address of the receiver; may be given several times', collect)
    .addHelpText('after', examples('sudo cis490 ca init --name receiver.lab --name 192.0.2.7'))
    .action(async (options: CommonOptions & { name: string[] }) => {
      const { initAuthority } = await loadAuthority();
      await withAuthority(options, (context) => initAuthority({ names: options.name }, context));
    });

  withCommonOptions(ca.command('server-certificate'))
    .summary('replace the certificate of the receiver itself')
    .description("replace the receiver's own certificate; it renews itself, so this is for other names")
    .option('--name <name>', 'as for init; without any, those that it has', collect)
    .addHelpText('after', examples('sudo cis490 ca server-certificate --name receiver.lab --name receiver2.lab'))
    .action(async (options: CommonOptions & { name?: string[] }) => {
      const { issueServerCertificate } = await loadAuthority();
      await withAuthority(options, (context) => issueServerCertificate({ names: options.name ?? [] }, context));
    });

  withCommonOptions(ca.command('renew-ca'))
    .summary('replace the authority by another one')
    .description('replace the authority by another one: both are trusted until --finish')
    .option('--finish', 'the old one counts no more')
    .option('--force', 'with --finish: also when it cuts off hosts')
    .addHelpText('after', examples('sudo cis490 ca renew-ca', 'sudo cis490 ca renew-ca --finish'))
    .action(async (options: CommonOptions & { finish?: boolean; force?: boolean }) => {
      const { renewAuthority, finishRenewal } = await loadAuthority();
      if (options.force && !options.finish) throw new AppError('bad-input', '--force goes with --finish alone');
      await withAuthority(options, (context) =>
        options.finish ? finishRenewal({ force: options.force ?? false }, context) : renewAuthority(context),
      );
    });
}

function registerEnrolment(ca: Command): void {
  withCommonOptions(ca.command('token'))
    .summary('make a one-time enrolment token for a host')
    .description('make a one-time enrolment token, with the command that the new host runs')
    .requiredOption('--host <host_id>', 'the host that it is for', hostId)
    .option('--expires <when>', '24h, "2 days", 2026-12-31 (its end, UTC) or an RFC 3339 time', '24h')
    .option('--receiver <url>', 'where the host reaches the receiver (default: the first name of its certificate)')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      examples(
        'sudo cis490 ca token --host lab-07',
        'sudo cis490 ca token --host lab-07 --receiver https://10.0.0.1:8490',
      ),
    )
    .action(async (options: CommonOptions & { host: string; expires: string; receiver?: string; json?: boolean }) => {
      const { createEnrolmentToken } = await loadEnrolments();
      await withAuthority(options, (context) =>
        createEnrolmentToken({ ...options, json: options.json ?? false }, context),
      );
    });

  withCommonOptions(ca.command('list'))
    .summary('tell which certificates and enrolment tokens there are')
    .description('tell which certificates were issued, what each is worth, and which enrolment tokens are open')
    .option('--host <host_id>', 'of this host alone', hostId)
    .option('--json', 'for programs')
    .addHelpText('after', examples('cis490 ca list', 'cis490 ca list --host lab-07 --json'))
    .action(async (options: CommonOptions & { host?: string; json?: boolean }) => {
      endWithReader();
      const { listCertificates } = await loadEnrolments();
      await withAuthority(options, (context) =>
        listCertificates({ host: options.host, json: options.json ?? false }, context),
      );
    });

  withCommonOptions(ca.command('revoke-token'))
    .summary('let an enrolment token count no more')
    .description('let an enrolment token count no more, from the next request on')
    .argument('<id>', 'as cis490 ca list has it')
    .addHelpText('after', examples('cis490 ca revoke-token e-1a2b3c4d'))
    .action(async (id: string, options: CommonOptions) => {
      const { revokeEnrolmentToken } = await loadEnrolments();
      await withAuthority(options, (context) => revokeEnrolmentToken(id, context));
    });
}

interface RevokeOptions extends CommonOptions {
  host?: string;
  cert?: string;
  serial?: string;
  fingerprint?: string;
  why: string;
}

function registerRevocation(ca: Command): void {
  withCommonOptions(ca.command('revoke'))
    .description('let certificates count no more, from the next request on')
    .option('--host <host_id>', 'all that this host has, and its open enrolment tokens', hostId)
    .option('--cert <file>', 'or the certificate itself, in PEM; of several in the file the first')
    .option('--serial <hex>', 'or its serial number')
    .option('--fingerprint <hex>', 'or its SHA-256 fingerprint')
    .requiredOption('--why <text>', 'the reason, for those who look it up later')
    .addHelpText(
      'after',
      examples(
        'cis490 ca revoke --host lab-07 --why "disk stolen"',
        'cis490 ca revoke --cert lab-07.crt --why "disk stolen"',
        'cis490 ca revoke --serial 1A2B3C --why "retired"',
      ),
    )
    .action(async (options: RevokeOptions) => {
      const { host, cert, serial, fingerprint, why } = options;
      if (host !== undefined && (cert ?? serial ?? fingerprint) === undefined) {
        const { revokeHost } = await loadEnrolments();
        await withAuthority(options, (context) => revokeHost(host, why, context));
        return;
      }
      if (host !== undefined)
        throw new AppError('bad-input', '--host stands for all of its certificates: name no other');
      const { identifyCertificate, revokeCertificate } = await import(
        '../../src/receiver/identity/manage-revocations.ts'
      );
      // Before the rights of root are given up: the file may be root's.
      const certificate = identifyCertificate(options);
      await withControl(options, async ({ config, control }) =>
        revokeCertificate(certificate, why, { config, control, clock: systemClock, output }),
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

const loadAuthority = () => import('../../src/receiver/certificates/manage-authority.ts');
const loadEnrolments = () => import('../../src/receiver/certificates/manage-enrolments.ts');

/** With the store's control.db open, for as long as `work` takes, and as the user whom the store belongs to. */
async function withAuthority(options: CommonOptions, work: (context: CommandContext) => Promise<void>): Promise<void> {
  const [{ authorityConfigDefinition }, { openControl, openEnrolments }, { becomeOwner, loginName }] =
    await Promise.all([
      import('../../src/receiver/certificates/command-context.ts'),
      import('../../src/storage/open-storage.ts'),
      import('../../src/lib/become-owner.ts'),
    ]);
  const { config } = await prepare(options, authorityConfigDefinition);
  const by = loginName();
  await becomeOwner(config.store.root);
  await using opened = new AsyncDisposableStack();
  const control = opened.adopt(await openControl(config.store.root), (it) => it.close());
  const enrolments = opened.adopt(await openEnrolments(config.store.root), (it) => it.close());
  await work({ config, control, enrolments, clock: systemClock, output, by, afterStep: noStepObserver });
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
