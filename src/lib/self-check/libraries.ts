// The libraries that Node needs of the system: without one of them no program starts any more.

import { join } from 'node:path';
import { isThere } from '../is-there.ts';
import { type CheckResult, green, red } from './check-result.ts';
import type { RunProgram } from './run-program.ts';

/** Library → the Debian package that has it. */
const NEEDED = {
  'libatomic.so.1': 'libatomic1',
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
} as const;
// As ldconfig names what a library is for; of other machines it names others.
const KINDS: Partial<Record<string, string>> = { x64: 'x86-64', arm64: 'AArch64' };

export const LIBRARY_DIRECTORIES = ['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib'].concat(
  ['x86_64', 'aarch64'].flatMap((machine) => [`/lib/${machine}-linux-gnu`, `/usr/lib/${machine}-linux-gnu`]),
);

/** `directories`: looked through where the loader's cache cannot be asked. */
export async function lookForLibraries(
  run: RunProgram,
  directories: readonly string[] = LIBRARY_DIRECTORIES,
): Promise<CheckResult> {
  const cache = await cachedLibraries(run);
  const missing: string[] = [];
  for (const library of Object.keys(NEEDED)) {
    if (!(cache?.has(library) ?? (await liesIn(directories, library)))) missing.push(library);
  }
  if (missing.length === 0) return green(`${Object.keys(NEEDED).join(', ')} are here`);
  const packages = missing.map((library) => NEEDED[library as keyof typeof NEEDED]);
  return red(`Node needs ${missing.join(', ')}, not found`, `sudo apt-get install --yes ${packages.join(' ')}`);
}

/** What the loader's cache knows for this machine; undefined where it cannot be asked. */
async function cachedLibraries(run: RunProgram): Promise<Set<string> | undefined> {
  // Debian has it where only root looks.
  for (const program of ['ldconfig', '/sbin/ldconfig']) {
    const answer = await run(program, ['-p']);
    if (answer.kind !== 'ended' || answer.code !== 0) continue;
    const kind = KINDS[process.arch] ?? '';
    const lines = answer.stdout.split('\n').filter((line) => line.includes(kind));
    return new Set(lines.flatMap((line) => /^\s*(\S+) \(/.exec(line)?.[1] ?? []));
  }
  return undefined;
}

async function liesIn(directories: readonly string[], library: string): Promise<boolean> {
  for (const directory of directories) if (await isThere(join(directory, library)).catch(() => false)) return true;
  return false;
}
