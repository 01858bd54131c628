// Puts a set of authority files in force: written and fsynced whole beside the one before it, then named by one rename. A kill leaves the
// old set or the new one; what it leaves half-done goes at the next change.

import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { authorityPaths, type KeyPair } from './authority-files.ts';

export interface NewSet {
  current: KeyPair;
  previous?: KeyPair;
  /** The certificate with its chain. */
  server: KeyPair;
}

export type AuthorityStep = 'set-written' | 'set-in-force' | 'old-set-removed';

// The names in front of the link, which stay.
const STANDING = ['current', 'previous', 'server', 'trusted.crt'];

/** For a store without an authority: `ca/` appears whole. The caller holds the lock of the authority. */
export async function placeFirstSet(
  storeRoot: string,
  set: NewSet,
  afterStep: AfterStep<AuthorityStep>,
): Promise<void> {
  const { directory } = authorityPaths(storeRoot);
  for (const name of await readdir(storeRoot)) {
    if (/^\.ca\.[0-9a-f]+\.tmp$/.test(name)) await rm(join(storeRoot, name), { recursive: true });
  }
  const temporary = join(storeRoot, `.ca.${randomBytes(4).toString('hex')}.tmp`);
  await mkdir(temporary, { mode: 0o700 });
  for (const name of STANDING) await symlink(join('set', name), join(temporary, name));
  await writeSet(temporary, 1, set);
  await symlink(join('sets', '1'), join(temporary, 'set'));
  await fsyncDirectory(temporary);
  afterStep('set-written');
  await rename(temporary, directory);
  await fsyncDirectory(storeRoot);
  afterStep('set-in-force');
}

/** In place of the set that is in force. The caller holds the lock of the authority. */
export async function replaceSet(storeRoot: string, set: NewSet, afterStep: AfterStep<AuthorityStep>): Promise<void> {
  const { directory, link } = authorityPaths(storeRoot);
  const number = Number(basename(await readlink(link))) + 1;
  await removeSets(directory, number - 1);
  await writeSet(directory, number, set);
  const newLink = `${link}.new`;
  await rm(newLink, { force: true });
  await symlink(join('sets', String(number)), newLink);
  afterStep('set-written');
  await rename(newLink, link);
  await fsyncDirectory(directory);
  afterStep('set-in-force');
  // It holds keys that may count no more.
  await removeSets(directory, number);
  afterStep('old-set-removed');
}

async function writeSet(directory: string, number: number, { current, previous, server }: NewSet): Promise<void> {
  const sets = join(directory, 'sets');
  const path = join(sets, String(number));
  await mkdir(path, { recursive: true, mode: 0o700 });
  await writePair(path, 'current', 'ca', current);
  if (previous) await writePair(path, 'previous', 'ca', previous);
  await writePair(path, 'server', 'server', server);
  await writeFile(join(path, 'trusted.crt'), current.cert + (previous?.cert ?? ''), 0o644);
  for (const changed of [path, sets]) await fsyncDirectory(changed);
}

async function writePair(set: string, name: string, stem: string, { cert, key }: KeyPair): Promise<void> {
  const directory = join(set, name);
  await mkdir(directory, { mode: 0o700 });
  await writeFile(join(directory, `${stem}.key`), key, 0o600);
  await writeFile(join(directory, `${stem}.crt`), cert, 0o644);
  await fsyncDirectory(directory);
}

async function writeFile(path: string, content: string, mode: number): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeSets(directory: string, kept: number): Promise<void> {
  const sets = join(directory, 'sets');
  for (const name of await readdir(sets)) {
    if (name !== String(kept)) await rm(join(sets, name), { recursive: true });
  }
  await fsyncDirectory(sets);
}
