// cis490 release keygen, build, sign, verify; and on the receiver publish, percent, pause, resume, list.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { PLATFORMS, type Platform, type Release } from '../../src/protocol/release.ts';
import type { ReleaseDesk } from '../../src/receiver/releases/manage-releases.ts';
import type { RollOut } from '../../src/storage/roll-out.ts';
import { type CommonOptions, endWithReader, examples, prepare, withCommonOptions } from './common.ts';

const tell = (line: string) => void process.stderr.write(`${line}\n`);
const say = (line: string) => void process.stdout.write(`${line}\n`);

export function registerRelease(program: Command): void {
  const release = program
    .command('release')
    .description('what lab hosts are updated to: made, signed and handed out')
    .addHelpText('after', examples('cis490 release build --out release-12', 'cis490 release list'));
  registerMaking(release);
  registerHandingOut(release);
}

function registerMaking(release: Command): void {
  release
    .command('keygen')
    .summary('make the key that releases are signed with')
    .description('make the key that releases are signed with; keep it off the receiver')
    .requiredOption('--out <file>', 'where the private key goes (PEM, mode 0600)')
    .addHelpText('after', examples('cis490 release keygen --out ~/cis490-release.key'))
    .action(async ({ out }: { out: string }) => {
      const { makeReleaseKey } = await import('../../src/release/release-key.ts');
      const line = await makeReleaseKey(out);
      tell(`${out} is the private key. The public one, for [autoupdate] release_keys on each lab host:`);
      say(line);
    });

  release
    .command('build')
    .summary('make a bundle of a commit for each platform')
    .description('make a self-contained bundle of a commit for each platform: the same bytes for the same commit')
    .requiredOption('--out <dir>', 'where the bundles and their descriptions go')
    .option('--commit <rev>', 'the commit, or a branch or tag', 'HEAD')
    .option('--repository <dir>', 'the git repository that has it', '.')
    .addOption(new Option('--platform <name...>', 'for which platforms').choices(PLATFORMS).default(PLATFORMS))
    .addHelpText(
      'after',
      examples('cis490 release build --out release-12', 'cis490 release build --commit v1.4 --out r'),
    )
    .action(async (options: { out: string; commit: string; repository: string; platform: Platform[] }) => {
      const { buildRelease } = await import('../../src/release/build-release.ts');
      const built = await buildRelease({
        repository: options.repository,
        revision: options.commit,
        platforms: options.platform,
        outDirectory: options.out,
        tell,
      });
      for (const { descriptionPath, draft } of built) say(`${draft.sha256}  ${descriptionPath}`);
    });

  release
    .command('sign')
    .summary('sign what was built')
    .description('sign what was built; several keys may sign one after the other')
    .argument('<path...>', 'the directory of a release, or descriptions (.json) of it')
    .requiredOption('--key <file>', 'the private key, as cis490 release keygen makes it')
    .option(
      '--number <n>',
      'the release’s number, above that of every earlier one; once given it stays',
      positiveInteger,
    )
    .addHelpText('after', examples('cis490 release sign --key ~/cis490-release.key --number 12 release-12'))
    .action(async (paths: string[], { key, number }: { key: string; number?: number }) => {
      const [{ signReleases }, { readSigningKey }] = await Promise.all([
        import('../../src/release/sign-release.ts'),
        import('../../src/release/release-key.ts'),
      ]);
      for (const one of await signReleases({ key: await readSigningKey(key), number, paths })) tellOf('signed', one);
    });

  release
    .command('verify')
    .summary('check bundles and their signatures')
    .description('check bundles against their descriptions, and those against a public key')
    .argument('<path...>', 'the directory of a release, or descriptions (.json) of it')
    .requiredOption('--key <key>', 'the public key’s line, or a file with it')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      examples(
        'cis490 release verify --key "$(cat cis490-release.pub)" release-12',
        'cis490 release verify --key cis490-release.pub --json release-12',
      ),
    )
    .action(async (paths: string[], { key, json }: { key: string; json?: boolean }) => {
      const [{ verifyReleases }, { readPublicKey }] = await Promise.all([
        import('../../src/release/sign-release.ts'),
        import('../../src/release/release-key.ts'),
      ]);
      const verified = await verifyReleases(await readPublicKey(key), paths);
      if (json) say(JSON.stringify({ releases: verified }, null, 2));
      else for (const one of verified) tellOf('verified', one);
    });
}

function registerHandingOut(release: Command): void {
  withCommonOptions(release.command('publish'))
    .summary('hand a signed release out to the hosts')
    .description('on the receiver: hand a signed release out to the hosts')
    .argument('<dir>', 'the release, as it was built and signed')
    .option('--percent <n>', 'to how much of the fleet (default: 100)', percentage)
    .addHelpText(
      'after',
      examples('cis490 release publish release-12 --percent 10', 'cis490 release publish release-12'),
    )
    .action(async (directory: string, options: CommonOptions & { percent?: number }) => {
      const [{ readReleaseDirectory }, { publishRelease }] = await Promise.all([
        import('../../src/receiver/releases/read-release-directory.ts'),
        import('../../src/receiver/releases/manage-releases.ts'),
      ]);
      // Before the rights of root are given up: the directory may be root's.
      await using offered = await readReleaseDirectory(directory);
      await atDesk(options, async (desk) => {
        const { kind, rollOut } = await publishRelease(desk, offered, options.percent);
        const how = { published: 'published', added: 'published more of', unchanged: 'published already:' }[kind];
        const platforms = offered.bundles.map((one) => one.release.platform).join(', ');
        await tellReach(`${how} release ${offered.number} for ${platforms}`, rollOut);
      });
    });

  withCommonOptions(release.command('percent'))
    .summary('say how much of the fleet a release goes to')
    .description('on the receiver: say how much of the fleet a release goes to')
    .argument('<commit>', 'of a published release, or its first 7 digits or more')
    .argument('<n>', '0 to 100', percentage)
    .addHelpText('after', examples('cis490 release percent 4f2a9c1 50'))
    .action(async (commit: string, percent: number, options: CommonOptions) => {
      const { setPercent } = await import('../../src/receiver/releases/manage-releases.ts');
      await atDesk(options, async (desk) => await tellReach('', await setPercent(desk, commit, percent)));
    });

  for (const [name, paused, summary, more] of [
    ['pause', true, 'give a release to nobody any more', ': hosts are told the last one for all'],
    ['resume', false, 'let a paused release go on', ' to as many as before'],
  ] as const) {
    withCommonOptions(release.command(name))
      .summary(summary)
      .description(`on the receiver: ${summary}${more}`)
      .argument('[commit]', 'of a published release (default: the newest)')
      .addHelpText('after', examples(`cis490 release ${name}`))
      .action(async (commit: string | undefined, options: CommonOptions) => {
        const { setPaused } = await import('../../src/receiver/releases/manage-releases.ts');
        await atDesk(options, async (desk) => await tellReach('', await setPaused(desk, commit, paused)));
      });
  }

  withCommonOptions(release.command('list'))
    .summary('tell what is published, and how far each goes')
    .description('on the receiver: tell what is published, and how far each goes')
    .option('--json', 'for programs')
    .addHelpText('after', examples('cis490 release list', "cis490 release list --json | jq '.releases[0].percent'"))
    .action(async (options: CommonOptions & { json?: boolean }) => {
      const [{ listReleases }, { describeReleases, releasesAsJson }] = await Promise.all([
        import('../../src/receiver/releases/manage-releases.ts'),
        import('../../src/receiver/releases/describe-releases.ts'),
      ]);
      endWithReader();
      await atDesk(options, async (desk) => {
        const releases = await listReleases(desk);
        process.stdout.write(
          options.json ? `${JSON.stringify(releasesAsJson(releases), null, 2)}\n` : describeReleases(releases),
        );
      });
    });
}

/** The configuration is read as whoever calls; the store is opened as whom it belongs to. */
async function atDesk(options: CommonOptions, work: (desk: ReleaseDesk) => Promise<void>): Promise<void> {
  const [{ receiverConfigDefinition }, { becomeOwner, loginName }, { openReleases, openRollOuts }] = await Promise.all([
    import('../../src/receiver/receiver-config.ts'),
    import('../../src/lib/become-owner.ts'),
    import('../../src/storage/open-storage.ts'),
  ]);
  const { config, logger } = await prepare(options, receiverConfigDefinition);
  const { root, min_free } = config.store;
  const by = loginName();
  await becomeOwner(root);
  const rollOuts = await openRollOuts(root);
  try {
    const releases = openReleases(root, logger);
    await work({ releases, rollOuts, storeRoot: root, minFreeBytes: min_free, clock: systemClock, by });
  } finally {
    await rollOuts.close();
  }
}

async function tellReach(done: string, rollOut: RollOut): Promise<void> {
  const { describeReach } = await import('../../src/receiver/releases/describe-releases.ts');
  say(`${done === '' ? '' : `${done}; `}${rollOut.commit.slice(0, 12)} goes to: ${describeReach(rollOut)}`);
}

function tellOf(done: string, { release_number, commit, platform, signatures }: Release): void {
  const keys = signatures.map(({ key_id }) => key_id).join(', ');
  say(`${done} release ${release_number}, ${commit.slice(0, 12)} for ${platform}; signatures: ${keys}`);
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number from 1 on.');
  return value;
}

function percentage(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text);
  throw new InvalidArgumentError('must be a whole number from 0 to 100.');
}
