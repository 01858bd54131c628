// The libraries that Node needs of the system: without one of them no program starts any more.

import { join } from 'node:path';
import { isThere } from '../../../lib/is-there.ts';
import { type Check, green, red } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';

/** Library → the Debian package that has it. */
const NEEDED = {
  'libatomic.so.1': 'libatomic1',
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
} as const;
// As ldconfig names what a library is for; of other machines it names others.
const KINDS: Partial<Record<string, string>> = { x64: 'x86-64', arm64: 'AArch64' };

export const librariesCheck: Check<'libraries'> = {
  id: 'libraries',
  timeoutMs: 15_000,
  async run(context) {
    const cache = await cachedLibraries(context);
    const missing: string[] = [];
    for (const library of Object.keys(NEEDED)) {
      const isHere = cache?.has(library) ?? (await liesIn(context.system.libraryDirectories, library));
      if (!isHere) missing.push(library);
    }
    if (missing.length === 0) return green(`${Object.keys(NEEDED).join(', ')} are here`);
    const packages = missing.map((library) => NEEDED[library as keyof typeof NEEDED]);
    return red(`Node needs ${missing.join(', ')}, not found`, `sudo apt-get install --yes ${packages.join(' ')}`);
  },
};

/** What the loader's cache knows for this machine; undefined where it cannot be asked. */
async function cachedLibraries({ run }: DoctorContext): Promise<Set<string> | undefined> {
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
