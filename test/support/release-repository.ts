// A small git repository that releases can be built of without a network: its dependencies are tarballs in it, two Nodes among them.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GitRepository } from './git-repository.ts';

interface Package {
  name: string;
  /** In its package.json beside name and version. */
  manifest?: Record<string, unknown>;
  files: Record<string, string>;
  kind: 'dependencies' | 'devDependencies' | 'optionalDependencies';
}

const PACKAGES: Package[] = [
  {
    name: 'tool',
    manifest: { bin: { tool: 'run.js' }, scripts: { postinstall: 'touch ../../was-run' } },
    // Not executable in its tarball: npm makes it so.
    files: { 'run.js': '#!/bin/sh\necho tool\n', 'deep/file.txt': 'deep\n' },
    kind: 'dependencies',
  },
  { name: 'only-for-work', files: { 'index.js': '' }, kind: 'devDependencies' },
  ...(['x64', 'arm64'] as const).map(
    (cpu): Package => ({
      name: `node-linux-${cpu}`,
      manifest: { bin: { node: 'bin/node' }, os: ['linux'], cpu: [cpu] },
      files: { 'bin/node': `#!/bin/sh\necho node for ${cpu}\n`, 'include/node.h': '', 'share/man': '', LICENSE: 'MIT' },
      kind: 'optionalDependencies',
    }),
  ),
];

export function makeReleaseRepository(path: string): GitRepository {
  const repository = new GitRepository(path);
  const write = (name: string, content: string) => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  };
  const locked = PACKAGES.map((one) => packPackage(path, one));
  const root: Record<string, unknown> = { name: 'program', version: '1.0.0', license: 'MIT' };
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
    const those = PACKAGES.filter((one) => one.kind === kind);
    root[kind] = Object.fromEntries(those.map(({ name }) => [name, `file:vendor/${name}.tgz`]));
  }
  const packages = { '': root, ...Object.fromEntries(locked) };
  write('package.json', JSON.stringify(root, null, 2));
  write('package-lock.json', JSON.stringify({ ...root, lockfileVersion: 3, requires: true, packages }, null, 2));
  write('.gitignore', 'node_modules/\n*.log\n');
  write('src/main.ts', 'export {};\n');
  write(`src/${'long-name-'.repeat(15)}/Grüße.txt`, 'a path that is no 100 bytes, and not ASCII\n');
  write('bin/run', '#!/bin/sh\necho run\n');
  chmodSync(join(path, 'bin/run'), 0o755);
  symlinkSync('../src/main.ts', join(path, 'bin/main'));
  repository.run('add', '--all');
  repository.commit('first');
  return repository;
}

function packPackage(path: string, { name, manifest = {}, files, kind }: Package): [string, Record<string, unknown>] {
  const directory = join(path, '..', `${name}-source`, 'package');
  for (const [file, content] of Object.entries({
    ...files,
    'package.json': JSON.stringify({ name, version: '1.0.0', ...manifest }),
  })) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), content);
  }
  mkdirSync(join(path, 'vendor'), { recursive: true });
  const tarball = join(path, 'vendor', `${name}.tgz`);
  // The same bytes whenever it is packed: what npm has in its cache by then depends on no clock.
  execFileSync('tar', ['--mtime=@0', '--sort=name', '-czf', tarball, '-C', dirname(directory), 'package']);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  const { scripts, ...shown } = manifest;
  return [
    `node_modules/${name}`,
    {
      version: '1.0.0',
      resolved: `file:vendor/${name}.tgz`,
      integrity,
      ...shown,
      ...(scripts !== undefined && { hasInstallScript: true }),
      ...(kind === 'devDependencies' && { dev: true }),
      ...(kind === 'optionalDependencies' && { optional: true }),
    },
  ];
}
