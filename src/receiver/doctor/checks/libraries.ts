// The libraries that Node needs of the system: without one of them no program starts any more.

import { join } from 'node:path';
import { isThere } from '../../../lib/is-there.ts';
import { type Check, green, red, unknown } from '../check.ts';

/** Library → the Debian package that has it. */
const NEEDED = {
  'libatomic.so.1': 'libatomic1',
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
} as const;
type Library = keyof typeof NEEDED;
// As ldconfig names what a library is for; of other machines it names others.
const KINDS: Partial<Record<string, string>> = { x64: 'x86-64', arm64: 'AArch64' };
const DIRECTORIES = ['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib'].concat(
  ['x86_64', 'aarch64'].flatMap((machine) => [`/lib/${machine}-linux-gnu`, `/usr/lib/${machine}-linux-gnu`]),
);

export const librariesCheck: Check<'libraries'> = {
  id: 'libraries',
  timeoutMs: 15_000,
  async run({ run }) {
    if (process.platform !== 'linux') return unknown('they are known for Linux alone');
    // Debian has it where only root looks.
    for (const program of ['ldconfig', '/sbin/ldconfig']) {
      const answer = await run(program, ['-p']);
      if (answer.kind !== 'ended' || answer.code !== 0) continue;
      const lines = answer.stdout.split('\n').filter((line) => line.includes(KINDS[process.arch] ?? ''));
      const cached = new Set(lines.flatMap((line) => /^\s*(\S+) \(/.exec(line)?.[1] ?? []));
      return tell((Object.keys(NEEDED) as Library[]).filter((library) => !cached.has(library)));
    }
    const missing: Library[] = [];
    for (const library of Object.keys(NEEDED) as Library[]) if (!(await isSomewhere(library))) missing.push(library);
    return tell(missing);
  },
};

async function isSomewhere(library: Library): Promise<boolean> {
  for (const directory of DIRECTORIES) if (await isThere(join(directory, library)).catch(() => false)) return true;
  return false;
}

function tell(missing: readonly Library[]) {
  if (missing.length === 0) return green(`${Object.keys(NEEDED).join(', ')} are here`);
  const packages = missing.map((library) => NEEDED[library]).join(' ');
  return red(`Node needs ${missing.join(', ')}, not found`, `sudo apt-get install --yes ${packages}`);
}
