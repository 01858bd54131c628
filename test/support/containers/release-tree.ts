// This project as an unpacked release, as a bundle holds it: the files of the working tree that git knows or would know, and the production
// dependencies with their Node.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../program.ts';

export function makeReleaseTree(directory: string, commit: string): void {
  mkdirSync(directory, { recursive: true });
  const script = `
    cd "$1"
    git ls-files --cached --others --exclude-standard -z | xargs -0 sh -c 'for path; do if [ -e "$path" ]; then printf "%s\\0" "$path"; fi; done' - |
      xargs -0 cp --parents --no-dereference --preserve=mode -t "$2"
    cp -R --parents --no-dereference --preserve=mode -t "$2" $("$3" scripts/production-packages.ts .)`;
  execFileSync('sh', ['-e', '-c', script, '-', PROJECT_ROOT, directory, process.execPath]);
  const manifest = { format: 1, commit, platform: `linux-${process.arch}`, bytes: 0, files: [] };
  writeFileSync(join(directory, 'MANIFEST.json'), `${JSON.stringify(manifest, null, 1)}\n`);
}
