// Takes an episode that needs no keeping any more out of shipped/ or quarantine/: out of sight by one rename, then deleted. What a
// crash leaves of it lies in the outbox under a name that the next sweep removes.

import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import type { DataLayout } from '../data-layout.ts';
import { removeTree } from './remove-tree.ts';

export async function removeSettled(layout: DataLayout, directory: string, name: string): Promise<void> {
  const doomed = join(layout.outbox, `deleting.${randomBytes(6).toString('hex')}.tmp`);
  await rename(join(directory, name), doomed);
  await fsyncDirectory(directory);
  // Where it cannot be deleted it lies in the outbox, and the next sweep tells of it.
  await removeTree(doomed).catch(() => undefined);
}
