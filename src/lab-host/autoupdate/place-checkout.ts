// source = "git": a commit of the mirror into releases/<commit>, with the dependencies that its lock file names and a manifest of its own.

import { createReadStream } from 'node:fs';
import { chmod, copyFile, link, mkdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '../../lib/app-error.ts';
import { digestOfFile } from '../../lib/digest-of-file.ts';
import { isThere } from '../../lib/is-there.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { MANIFEST_FILE, type Manifest, type Platform } from '../../protocol/release.ts';
import { releasePath } from './install-layout.ts';
import { isPlaced, placeTree } from './place-tree.ts';
import { forEachPooled } from './pooled.ts';
import { requireRoom } from './room.ts';
import { git } from './run-git.ts';
import { malformed, parseManifest } from './safe-manifest.ts';
import { linkOf, tarEntries, writeFileOf } from './unpack-entries.ts';
import type { UpdateDependencies } from './update-dependencies.ts';
import { walkTree } from './walk-tree.ts';

const LOCK_FILE = 'package-lock.json';
// A checkout with its dependencies, where there is none to measure.
const USUAL_BYTES = 300 * 1024 * 1024;

export async function placeCheckout(dependencies: UpdateDependencies, commit: string, running: string): Promise<void> {
  const { layout, platform = 'linux-x64', afterStep } = dependencies;
  const expected = { commit, platform };
  if (await isPlaced(dependencies, expected)) return;
  await requireRoom(dependencies, USUAL_BYTES, `release ${commit.slice(0, 12)}`);
  afterStep('verified');
  const archive = join(layout.incoming, `${commit}.tar`);
  await mkdir(layout.incoming, { recursive: true });
  await git(dependencies, '--git-dir', layout.mirror, 'archive', '--format=tar', `--output=${archive}`, commit);
  afterStep('downloaded');
  await placeTree(dependencies, expected, async (tree) => {
    await unpackArchive(archive, tree);
    await installDependencies(dependencies, tree, releasePath(layout, running));
    await writeManifest(tree, expected);
  });
  await removeFile(archive);
}

async function unpackArchive(archive: string, tree: string): Promise<void> {
  await mkdir(tree, { mode: 0o755 });
  for await (const { header, body } of tarEntries(createReadStream(archive))) {
    const { name, type, linkname, mode = 0 } = header;
    // A commit holds no other kinds; its paths are checked once more with the manifest.
    if (name.startsWith('/') || name.split('/').includes('..'))
      throw malformed(`${JSON.stringify(name)} leads out of it`);
    if (type === 'file') await writeFileOf(tree, name, body, (mode & 0o100) === 0 ? 0o644 : 0o755);
    else if (type === 'symlink' && linkname !== undefined) await linkOf(tree, name, linkname).then(() => body.cancel());
    else await body.cancel();
  }
}

/** Those of the release that runs, where they are the very same: most commits change none. */
async function installDependencies(
  { run, logger, layout }: UpdateDependencies,
  tree: string,
  running: string,
): Promise<void> {
  const wanted = await readIfThere(join(tree, LOCK_FILE));
  if (wanted === undefined || (await isThere(join(tree, 'node_modules')))) return;
  const had = await readIfThere(join(running, LOCK_FILE));
  if (had === wanted && (await isThere(join(running, 'node_modules')))) {
    logger.info('update: the dependencies are those of the release that runs');
    return await copyTree(join(running, 'node_modules'), join(tree, 'node_modules'));
  }
  logger.info('update: installing the dependencies: npm ci');
  const answer = await run('npm', [
    'ci',
    '--omit=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    // Below a unit's ProtectHome there is no home to keep one in.
    '--cache',
    join(layout.incoming, 'npm'),
    '--prefix',
    tree,
  ]);
  if (answer.kind === 'absent') {
    throw new AppError('npm-missing', `${LOCK_FILE} has changed, and there is no npm here to install what it names`, {
      hint: 'sudo apt-get install npm; or have this host update from bundles: [autoupdate] source = "receiver"',
    });
  }
  if (answer.code === 0) return;
  const said = answer.stderr.trim().split('\n').slice(0, 3).join('; ').slice(0, 500);
  throw new AppError('npm-failed', `npm ci failed: ${said}`, { hint: 'see what it says: npm ci', retryable: true });
}

/** Hard links where they can be had: each tree stays whole when the other is deleted. */
async function copyTree(from: string, to: string): Promise<void> {
  const { files, links, directories } = await walkTree(from);
  for (const path of directories.toReversed()) {
    if (path !== '.cache' && !path.startsWith('.cache/')) await mkdir(join(to, path), { recursive: true, mode: 0o755 });
  }
  const isKept = (path: string) => !path.startsWith('.cache/');
  await forEachPooled(files.filter(isKept), async (path) => {
    await link(join(from, path), join(to, path)).catch(async (error: unknown) => {
      if (!['EXDEV', 'EMLINK', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
      await copyFile(join(from, path), join(to, path));
    });
  });
  for (const path of links.filter(isKept)) await symlink(await readlink(join(from, path)), join(to, path));
}

async function writeManifest(
  tree: string,
  { commit, platform }: { commit: string; platform: Platform },
): Promise<void> {
  const { files, links } = await walkTree(tree);
  const listed: Manifest['files'] = [];
  await forEachPooled(files, async (path) => {
    const { size, mode } = await stat(join(tree, path));
    // Of npm's making; a link shares its mode with the release that it came from, where it is one of these already.
    if (![0o644, 0o755].includes(mode & 0o777)) await chmod(join(tree, path), Number.parseInt(modeOf(mode), 8));
    listed.push({ path, bytes: size, sha256: (await digestOfFile(join(tree, path))).sha256, mode: modeOf(mode) });
  });
  for (const path of links) listed.push({ path, link: await readlink(join(tree, path)) });
  listed.sort((a, b) => (a.path < b.path ? -1 : 1));
  const bytes = listed.reduce((sum, file) => sum + ('bytes' in file ? file.bytes : 0), 0);
  const text = `${JSON.stringify({ format: 1, commit, platform, bytes, files: listed } satisfies Manifest)}\n`;
  parseManifest(text, { commit, platform });
  await writeFile(join(tree, MANIFEST_FILE), text, { mode: 0o644 });
}

function modeOf(mode: number): '644' | '755' {
  return (mode & 0o100) === 0 ? '644' : '755';
}
