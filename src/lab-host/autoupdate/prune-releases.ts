// No more releases on the disk than are kept: never the one in force, one that is on trial, or the one before.

import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/app-error.ts';
import { isRelease, isUnpacked, readCurrent, releasePath, unpackPath } from './install-layout.ts';
import { removeTree } from './remove-tree.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

/** `before`: what else must stay. */
export async function pruneReleases(
  { layout, config, state, logger }: UpdateDependencies,
  before: readonly string[],
): Promise<void> {
  const { pending, flipped } = await state.read();
  const current = await readCurrent(layout);
  const kept = new Set([current, pending?.from, pending?.to, flipped?.from, ...before]);
  const names = (await readdir(layout.releases)).filter(isRelease);
  const others = await Promise.all(
    names
      .filter((name) => !kept.has(name))
      .map(async (name) => ({ name, atMs: (await stat(releasePath(layout, name))).mtimeMs })),
  );
  const room = Math.max(0, config.autoupdate.keep_releases - (names.length - others.length));
  const newestFirst = others.toSorted((a, b) => b.atMs - a.atMs);
  for (const { name } of newestFirst.slice(room)) {
    // Under another name first: a release is whole or is none.
    const away = unpackPath(layout, `${name}-old`);
    await removeTree(away);
    await rename(releasePath(layout, name), away);
    await removeTree(away);
    logger.info({ commit: name }, 'update: an old release was removed');
  }
}

/**
 * What killed runs left half-done, but for a download of what is `wanted` (a commit, and the digest of its bundle): that goes on. A tree is
 * begun anew in any case, and until then takes the room that it needs.
 */
export async function removeLeftovers(
  { layout, logger }: UpdateDependencies,
  wanted: readonly string[],
): Promise<void> {
  const isWanted = (name: string) => wanted.some((part) => name.includes(part));
  const trees = (await namesIn(layout.releases)).filter(isUnpacked).map((name) => join(layout.releases, name));
  const bundles = (await namesIn(layout.incoming)).map((name) => join(layout.incoming, name));
  for (const path of [...trees, ...bundles.filter((path) => !isWanted(path))]) {
    await removeTree(path);
    logger.info({ path }, 'update: removed what was left half-done');
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
