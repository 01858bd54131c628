// A tree becomes a release by one rename, when every byte of it is durable. What stood under its name and was not whole goes first.

import { chmod, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { isThere } from '../../lib/is-there.ts';
import { releasePath, unpackPath } from './install-layout.ts';
import { removeTree } from './remove-tree.ts';
import type { UpdateDependencies } from './update-dependencies.ts';
import { faultOfTree } from './verify-tree.ts';
import { syncTree, walkTree } from './walk-tree.ts';

interface Expected {
  commit: string;
  platform: string;
}

/** True when the release is on the disk already, whole. */
export async function isPlaced({ layout, logger }: UpdateDependencies, expected: Expected): Promise<boolean> {
  const path = releasePath(layout, expected.commit);
  if (!(await isThere(path))) return false;
  const fault = await faultOfTree(path, expected);
  if (fault === undefined) logger.info({ commit: expected.commit }, 'update: the release is on this disk already');
  else
    logger.warn({ commit: expected.commit, fault }, 'update: the release on this disk is not whole: it is made anew');
  return fault === undefined;
}

/** `fill` makes the tree, with its manifest, at the path that it is given, which is not there yet. */
export async function placeTree(
  dependencies: UpdateDependencies,
  { commit }: Expected,
  fill: (tree: string) => Promise<void>,
): Promise<void> {
  const { layout, clock, logger, afterStep } = dependencies;
  const tree = unpackPath(layout, commit);
  const final = releasePath(layout, commit);
  const away = unpackPath(layout, `${commit}-old`);
  for (const left of [tree, away]) await removeTree(left);
  await mkdir(layout.releases, { recursive: true, mode: 0o755 });
  await fill(tree);
  const stamp = { commit, dirty: false, stamped_at_wall: clock.wallTime() };
  await writeFileDurably(join(tree, 'VERSION'), toJsonFile(stamp), { mode: 0o644 });
  // The programs run as another user, whatever root's umask was.
  for (const directory of (await walkTree(tree)).directories) await chmod(join(tree, directory), 0o755);
  await chmod(join(tree, 'VERSION'), 0o644);
  await syncTree(tree);
  logger.info({ commit }, 'update: unpacked and verified');
  afterStep('unpacked');
  if (await isThere(final)) await rename(final, away);
  await rename(tree, final);
  await fsyncDirectory(layout.releases);
  await removeTree(away);
  logger.info({ commit, path: final }, 'update: in place beside the release that runs');
  afterStep('placed');
}
