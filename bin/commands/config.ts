// cis490 config check.

import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { AppError } from '../../src/lib/app-error.ts';
import type { ConfigDefinition } from '../../src/lib/config/define-config.ts';
import { endWithReader, examples } from './common.ts';

export function registerConfig(program: Command): void {
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
          import('../../src/lib/config/check-config.ts'),
          import('../../src/lab-host/lab-host-config.ts'),
          import('../../src/receiver/receiver-config.ts'),
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
}
