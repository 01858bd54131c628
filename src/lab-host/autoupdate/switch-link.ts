// `current` names one release or the other, at every moment.

import { rename, symlink } from 'node:fs/promises';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { removeFile } from '../../lib/remove-file.ts';
import type { InstallLayout } from './install-layout.ts';

export async function switchLink({ base, current }: InstallLayout, commit: string): Promise<void> {
  const next = `${current}.new`;
  await removeFile(next);
  await symlink(`releases/${commit}`, next);
  await rename(next, current);
  await fsyncDirectory(base);
}
