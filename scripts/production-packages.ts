// production-packages.ts TREE OTHER: prints the directories of the production packages, one a line, when OTHER/node_modules has exactly the
// versions that TREE/package-lock.json names; exit code 3 when it has not. Imports nothing of the tree, which may lack its dependencies.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[] | string;
  cpu?: string[] | string;
}

const DOES_NOT_FIT = 3;
const [, , tree = '.', other = tree] = process.argv;

const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
  readFileSync(join(tree, 'package-lock.json'), 'utf8'),
);
const wanted = Object.entries(lock.packages).filter(
  ([path, locked]) => path !== '' && !locked.dev && isForHere(locked),
);
const names = new Set(wanted.map(([path]) => path));

if (!wanted.every(([path, locked]) => versionAt(path) === locked.version)) process.exit(DOES_NOT_FIT);
// One below another comes with that one.
process.stdout.write(
  wanted
    .map(([path]) => path)
    .filter((path) => !isBelowAnother(path))
    .join('\n')
    .concat('\n'),
);

/** Those of other platforms are not here, and need not be. */
function isForHere({ os = [], cpu = [] }: LockedPackage): boolean {
  const allows = (list: string[] | string, own: string) => list.length === 0 || [list].flat().includes(own);
  return allows(os, process.platform) && allows(cpu, process.arch);
}

function versionAt(path: string): string | undefined {
  try {
    return JSON.parse(readFileSync(join(other, path, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

function isBelowAnother(path: string): boolean {
  for (let above = dirname(path); above !== '.'; above = dirname(above)) if (names.has(above)) return true;
  return false;
}
