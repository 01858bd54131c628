// The end of an episode's way: out of episodes/ by one rename, durable, and only then without its tarball.

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { errnoOf } from '../../lib/app-error.ts';
import type { DataLayout } from '../data-layout.ts';
import { discardPacked } from './pack-episode.ts';
import { lookAt, syncDirectory } from './quick-files.ts';
import type { ShipperStep } from './shipper-step.ts';

export interface MoveDependencies {
  layout: DataLayout;
  afterStep: AfterStep<ShipperStep>;
}

/**
 * Its receipt or its reason is written: move it → fsync both directories → delete the tarball. Resolves with the name that it got there.
 */
export async function moveOut(
  { layout, afterStep }: MoveDependencies,
  episodeId: string,
  place: 'shipped' | 'quarantine',
): Promise<string> {
  const name = await moveAside(layout.episodes, episodeId, layout[place]);
  afterStep(`moved-to-${place}`);
  await syncDirectory(layout[place]);
  await syncDirectory(layout.episodes);
  afterStep(`${place}-synced`);
  await discardPacked(layout, episodeId);
  afterStep('tarball-removed');
  return name;
}

// What rename(2) says when the name is taken by something that it will not replace.
export const TAKEN = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR']);

/** In characters: a name of 255 bytes, the most that Linux takes, leaves no room for a number. */
export const MAX_NUMBERED_NAME = 200;

/** A name that is already there is never overwritten: the newcomer gets a number. Resolves with its new name. */
export async function moveAside(fromDirectory: string, name: string, toDirectory: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const newName = number === 1 ? name : `${name.slice(0, MAX_NUMBERED_NAME)}.${number}`;
    // rename(2) replaces an empty directory without a word. No other race is open: nobody moves in there what has no note of ours.
    if (lookAt(join(toDirectory, newName))) continue;
    try {
      renameSync(join(fromDirectory, name), join(toDirectory, newName));
      return newName;
    } catch (error) {
      if (!TAKEN.has(errnoOf(error) ?? '')) throw error;
    }
  }
}
