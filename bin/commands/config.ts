// cis490 config check.

import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { AppError } from '../../src/lib/app-error.ts';
import type { ConfigDefinition } from '../../src/lib/config/define-config.ts';
import { BAD_USAGE } from '../usage-errors.ts';
import { endWithReader, examples, exitCodes } from './common.ts';

export function registerConfig(program: Command): void {
  program
    .command('config')
    .description('look at configuration files')
    .addHelpText('after', examples('cis490 config check'))
    .command('check')
    .description('tell every mistake in a configuration file at once')
    .argument('[file]', 'the file (default: both of /etc/cis490 that exist)')
    .addOption(
      new Option('--role <role>', 'which kind it is (default: by the name of the file)').choices([
        'lab-host',
        'receiver',
      ]),
    )
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      examples(
        'cis490 config check /etc/cis490/lab-host.toml',
        'cis490 config check --role receiver my.toml',
        'cis490 config check --json | jq ".files[].mistakes"',
      ) + exitCodes({ 0: 'each file is sound', 2: 'one has a mistake, or there is none' }),
    )
    .action(async (file: string | undefined, options: { role?: 'lab-host' | 'receiver'; json?: boolean }) => {
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
      if (options.json) {
        const files = await Promise.all(checks.map(({ definition, path }) => mistakesIn(definition, path)));
        write(`${JSON.stringify({ files }, null, 2)}\n`);
        process.exitCode = files.every(({ ok }) => ok) ? 0 : BAD_USAGE;
        return;
      }
      process.exitCode = Math.max(...checks.map((check) => checkConfig({ ...check, write })));
    });
}

async function mistakesIn(definition: ConfigDefinition, path: string) {
  const [{ loadConfig }, { ConfigError }] = await Promise.all([
    import('../../src/lib/config/load-config.ts'),
    import('../../src/lib/config/config-error.ts'),
  ]);
  try {
    const { warnings } = loadConfig(definition, path);
    return { path, ok: true, mistakes: [], warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { path, ok: false, mistakes: error.mistakes, warnings: [] };
  }
}
