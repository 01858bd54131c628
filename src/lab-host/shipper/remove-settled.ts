// Takes an episode that needs no keeping any more out of shipped/ or quarantine/: out of sight by one rename, then deleted. What a
// crash leaves of it lies in the outbox, under a name that still says which episode it was, and that the next sweep removes.

import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { DataLayout } from '../data-layout.ts';
import { removeTree } from './remove-tree.ts';

/** The durable steps, in order. A crash test kills the process after each. */
export type RemovalStep = 'taken-out' | 'taking-out-synced' | 'episode-deleted';

/** `directory`: shipped/ or quarantine/. Throws the system's error while it lies there still, and `not-deleted` once it does not. */
export async function removeSettled(
  layout: DataLayout,
  directory: string,
  name: string,
  afterStep: AfterStep<RemovalStep> = noStepObserver,
): Promise<void> {
  const doomed = join(layout.outbox, doomedName(name));
  await rename(join(directory, name), doomed);
  afterStep('taken-out');
  try {
    // Before anything of it is deleted: after a power cut it must not be back in `directory` with a part of its files.
    await fsyncDirectory(directory);
    afterStep('taking-out-synced');
    await removeTree(doomed);
  } catch (error) {
    const message = `${name} was taken out of ${directory} and could not be deleted: it lies in ${doomed}: ${messageOf(error)}`;
    throw new AppError('not-deleted', message, { hint: `sudo rm -rf ${shellWord(doomed)}`, cause: error });
  }
  afterStep('episode-deleted');
}

// A name may have 255 bytes, the most that Linux takes, and UTF-8 up to four for a character.
const MAX_SHOWN_CHARACTERS = 50;

function doomedName(name: string): string {
  const shown = Buffer.byteLength(name) > 4 * MAX_SHOWN_CHARACTERS ? name.slice(0, MAX_SHOWN_CHARACTERS) : name;
  return `deleting.${shown}.${randomBytes(6).toString('hex')}.tmp`;
}
