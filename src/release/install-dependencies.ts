// The production dependencies of a tree for one platform, whatever the platform of this machine; no script of any package is run.

import { join } from 'node:path';
import { AppError } from '../lib/app-error.ts';
import { isThere } from '../lib/is-there.ts';
import type { Platform } from '../protocol/release.ts';
import { runCommand } from './run-command.ts';

/** Throws `npm-missing`, `npm-failed` with its last lines, `no-node` when the lock file has no Node for the platform. */
export async function installDependencies(tree: string, platform: Platform): Promise<void> {
  const [os = '', cpu = ''] = platform.split('-');
  await runCommand({
    program: 'npm',
    args: [
      'ci',
      '--omit=dev',
      // Node itself is one: said out loud, so that no setting of this machine leaves it out.
      '--include=optional',
      '--ignore-scripts',
      '--install-strategy=hoisted',
      ...[`--os=${os}`, `--cpu=${cpu}`, '--libc=glibc'],
      ...['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error'],
    ],
    directory: tree,
    environment: npmEnvironment(),
    purpose: `the dependencies for ${platform} could not be installed`,
  });
  if (await isThere(join(tree, 'node_modules', `node-${platform}`, 'bin/node'))) return;
  throw new AppError('no-node', `npm has installed no Node for ${platform}`, {
    hint: `package.json must name node-${platform} in optionalDependencies, and the lock file with it: npm install`,
  });
}

/** Within `npm run` the calling project speaks through the environment, and would have its own directory installed. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const isOfCaller = (name: string) =>
    /^(?:npm_(?:package|lifecycle)_|npm_config_(?:local_)?prefix$|INIT_CWD$)/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOfCaller(name)));
}
