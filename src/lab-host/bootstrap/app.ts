// Makes a lab host of this machine: who the receiver is, then the certificate, the configuration, the installation, the first report. Each
// step looks whether it is done, so that it may be run again at any point; the token goes only where the fingerprint has been proved.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { isThere } from '../../lib/is-there.ts';
import { IDENTITY_DIRECTORY, identityLayout } from '../identity-layout.ts';
import { giveToService } from './give-to-service.ts';
import { type FoundConfiguration, lookAtConfiguration, writeConfiguration } from './host-configuration.ts';
import { type BootstrapFlags, inOneError, readSettings } from './read-settings.ts';
import { findSeed, rewriteSeed, SEED_PATHS, type Seed } from './seed-file.ts';
import { type TakeCertificateOptions, takeCertificate } from './take-certificate.ts';

const CONFIGURATION = '/etc/cis490/lab-host.toml';

export interface BootstrapOptions extends TakeCertificateOptions {
  flags: BootstrapFlags;
  /** A seed file that was named. */
  seedPath: string | undefined;
  /** Where seeds are looked for. */
  seedPaths?: readonly string[];
  /** Where everything is put; `/` on this machine. */
  root: string;
  /** It is not the machine that this runs on: nothing of it is started, and nothing reports. */
  isImage: boolean;
  uid: number;
  /** This program's own tree. */
  tree: string;
  hostName: string;
  environment: NodeJS.ProcessEnv;
  print: (line: string) => void;
}

/** Resolves with the exit code; throws what a person can act on. */
export async function runBootstrap(options: BootstrapOptions): Promise<number> {
  const { root, isImage, tree, clock, logger, print, afterStep } = options;
  const seedPath = await findSeed(options.seedPath, hasAll(options.flags) ? [] : (options.seedPaths ?? SEED_PATHS));
  const { settings, mistakes, seed } = readSettings(options.flags, seedPath, options.hostName);
  const configuration = join(root, CONFIGURATION);
  const found =
    settings && (await lookAtConfiguration(configuration, join(tree, 'etc/lab-host.toml.example'), settings));
  const all = [...mistakes, ...(found?.kind === 'another' ? [found.why] : []), ...(await missingParts(options))];
  if (all.length > 0 || !settings || !found) throw inOneError(all);
  const identityRoot = join(root, IDENTITY_DIRECTORY);
  if (settings.token === undefined && (await isSetUp(identityRoot, found))) {
    print(`${settings.hostId} is set up already: the token in ${seedPath} was used at ${seed?.token_used_at}`);
    return 0;
  }

  await takeCertificate(identityRoot, settings, options);
  await writeConfiguration(configuration, settings, found);
  if (found.kind === 'kept' && !found.asksForCertificate)
    logger.warn(
      { path: configuration },
      '[cert] enabled is not true in it: the certificate of this host is not renewed',
    );
  afterStep('configuration-written');

  const into = isImage ? ['--root', root] : [];
  await run(
    options,
    join(tree, 'scripts/install-lab-host.sh'),
    [...(settings.withTelemetry ? ['--with-telemetry'] : []), ...into],
    'install-failed',
  );
  await giveToService({ root, identityRoot, configuration });
  afterStep('installed');
  if (!isImage)
    await run(options, join(await installedTree(root, tree), 'bin/cis490'), ['ship-health'], 'report-failed');
  afterStep('reported');

  if (seedPath !== undefined && seed?.token !== undefined) await spendSeed(seedPath, seed, { clock, logger });
  afterStep('seed-rewritten');
  const last = !isImage ? 'the receiver has its first health report' : 'it starts, and reports, when the image does';
  print(`${settings.hostId} is a lab host of ${settings.receiverUrl}: ${last}. From now on: cis490 doctor`);
  return 0;
}

/** Then no seed that lies about is looked at. */
function hasAll({ receiver, token, tokenFile, caFingerprint }: BootstrapFlags): boolean {
  return receiver !== undefined && caFingerprint !== undefined && (token ?? tokenFile) !== undefined;
}

/** What this machine lacks for it. The installer looks at the rest. */
async function missingParts({ root, tree, uid }: BootstrapOptions): Promise<string[]> {
  const found: string[] = [];
  const script = join(tree, 'scripts/install-lab-host.sh');
  if (uid !== 0) found.push('only root can install: run it again with sudo');
  if (!(await isRunnable(script))) found.push(`${script} is missing: unpack the release again`);
  if (!(await isThere(root))) found.push(`--root: there is no directory ${root}`);
  return found;
}

async function isRunnable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function isSetUp(identityRoot: string, found: FoundConfiguration): Promise<boolean> {
  return found.kind === 'kept' && (await isThere(identityLayout(identityRoot).current));
}

/** What was installed is what reports: its VERSION counts, and the tree that this runs in may be a stick that is pulled out. */
async function installedTree(root: string, tree: string): Promise<string> {
  const current = join(root, 'opt/cis490/current');
  return (await isRunnable(join(current, 'bin/cis490'))) ? current : tree;
}

async function run(
  { environment, logger }: BootstrapOptions,
  program: string,
  args: string[],
  code: string,
): Promise<void> {
  logger.info({ program, args: args.join(' ') }, 'running');
  // What root compiles would lie in the release for ever.
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...environment, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  const [exit, signal] = await once(child, 'close').catch((cause: unknown) => {
    throw new AppError(code, `${program} cannot be run: ${messageOf(cause)}`, { cause });
  });
  if (exit !== 0)
    throw new AppError(code, `${program} ended with ${signal ?? `exit code ${exit}`}: what it printed says why`, {
      hint: 'cure that, then run cis490 bootstrap again: what is done is not done twice',
    });
}

async function spendSeed(
  path: string,
  seed: Seed,
  { clock, logger }: Pick<BootstrapOptions, 'clock' | 'logger'>,
): Promise<void> {
  try {
    await rewriteSeed(path, seed, clock);
    logger.info({ path }, 'the token was taken out of the seed file');
  } catch (error) {
    logger.warn(
      { err: error, path },
      'the token cannot be taken out of the seed file; it enrols no other key, and expires',
    );
  }
}
