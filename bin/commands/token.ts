// cis490 token.

import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import type { TokenRole } from '../../src/receiver/identity/tokens-file.ts';
import { type CommonOptions, endWithReader, examples, hostId, output, prepare, withCommonOptions } from './common.ts';

// Not from tokens-file.ts, which would be loaded for every command: the type holds the two together.
const ROLES: readonly TokenRole[] = ['host', 'fleet', 'reader', 'admin'];

export function registerToken(program: Command): void {
  const token = program
    .command('token')
    .summary('the tokens of hosts and people')
    .description('the tokens by which hosts and people are told from each other')
    .addHelpText('after', examples('cis490 token create --role reader', 'cis490 token list'));

  withCommonOptions(token.command('create'))
    .summary('make a token for a host or a person')
    .description('make a token: it is printed once, and the receiver takes it at once')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option('--host <host_id>', 'the one host that a token of role host speaks for', hostId)
    .option('--expires <when>', '90d, "12 h", 2026-12-31 (its end, UTC) or an RFC 3339 time (default: never)')
    .addHelpText(
      'after',
      examples(
        'cis490 token create --role host --host lab-07 --expires 90d > lab-07.token',
        'cis490 token create --role reader',
      ),
    )
    .action(async (options: CommonOptions & { role: TokenRole; host?: string; expires?: string }) => {
      const [{ createToken }, { becomeOwner }, { config }] = await Promise.all([
        import('../../src/receiver/identity/manage-tokens.ts'),
        import('../../src/lib/become-owner.ts'),
        prepareForCredentials(options),
      ]);
      // Not as root in a directory of the service's user, who could turn what root writes there to something else.
      await becomeOwner(dirname(config.auth.tokens_file));
      await createToken(options, { config, clock: systemClock, output });
    });

  withCommonOptions(token.command('list'))
    .description('tell which tokens there are, and which of them count')
    .option('--json', 'for programs')
    .addHelpText('after', examples('cis490 token list', "cis490 token list --json | jq '.tokens[].id'"))
    .action(async (options: CommonOptions & { json?: boolean }) => {
      endWithReader();
      const { listTokens } = await import('../../src/receiver/identity/manage-tokens.ts');
      await withControl(options, async ({ config, control }) =>
        listTokens({ json: options.json ?? false }, { config, control, clock: systemClock, output }),
      );
    });

  withCommonOptions(token.command('revoke'))
    .description('let tokens count no more, from the next request on')
    .argument('<id...>', 'as cis490 token list has them')
    .addHelpText('after', examples('cis490 token revoke t-1a2b3c4d'))
    .action(async (ids: string[], options: CommonOptions) => {
      const { revokeTokens } = await import('../../src/receiver/identity/manage-tokens.ts');
      await withControl(options, async ({ config, control }) =>
        revokeTokens(ids, { config, control, clock: systemClock, output }),
      );
    });
}

async function prepareForCredentials(options: CommonOptions) {
  const { credentialsConfigDefinition } = await import('../../src/receiver/identity/credentials-config.ts');
  return await prepare(options, credentialsConfigDefinition);
}

type Prepared = Awaited<ReturnType<typeof prepareForCredentials>>;
type OpenedControl = Awaited<ReturnType<typeof import('../../src/storage/open-storage.ts').openControl>>;

/** With the store's control.db open, for as long as `work` takes, and as the user whom the store belongs to. */
export async function withControl(
  options: CommonOptions,
  work: (opened: { config: Prepared['config']; control: OpenedControl }) => Promise<void>,
): Promise<void> {
  const [{ openControl }, { becomeOwner }, { config }] = await Promise.all([
    import('../../src/storage/open-storage.ts'),
    import('../../src/lib/become-owner.ts'),
    prepareForCredentials(options),
  ]);
  await becomeOwner(config.store.root);
  const control = await openControl(config.store.root);
  try {
    await work({ config, control });
  } finally {
    await control.close();
  }
}
