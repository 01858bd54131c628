import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { labHost } from '../doctor.fixture.ts';
import { librariesCheck } from './libraries.ts';

const KIND = process.arch === 'arm64' ? 'libc6,AArch64' : 'libc6,x86-64';
const cacheOf = (...libraries: string[]) =>
  `cat <<'EOF'\n2 libs found in cache\n${libraries.map((name) => `\t${name} (${KIND}) => /lib/${name}`).join('\n')}\n\tlibatomic.so.1 (libc6,foreign) => /lib/x\nEOF`;

test('all of them in the cache of the loader is green', async (t) => {
  const programs = { ldconfig: cacheOf('libatomic.so.1', 'libstdc++.so.6', 'libgcc_s.so.1') };
  assert.equal((await librariesCheck.run(await labHost(t, { programs }))).status, 'green');
});

test('one that is missing, or there for another machine alone, is red', async (t) => {
  const programs = { ldconfig: cacheOf('libstdc++.so.6', 'libgcc_s.so.1') };
  const { status, summary, cure } = await librariesCheck.run(await labHost(t, { programs }));
  assert.deepEqual([status, summary], ['red', 'Node needs libatomic.so.1, not found']);
  assert.equal(cure, 'sudo apt-get install --yes libatomic1');
});

test('without a cache the usual directories are looked into', async (t) => {
  const context = await labHost(t);
  const run = async () => ({ kind: 'absent' }) as const;
  const directory = join(context.root, 'lib');
  mkdirSync(directory);
  for (const name of ['libatomic.so.1', 'libstdc++.so.6']) writeFileSync(join(directory, name), '');
  const system = { ...context.system, libraryDirectories: [directory] };
  const { status, cure } = await librariesCheck.run({ ...context, run, system });
  assert.deepEqual([status, cure], ['red', 'sudo apt-get install --yes libgcc-s1']);
  writeFileSync(join(directory, 'libgcc_s.so.1'), '');
  assert.equal((await librariesCheck.run({ ...context, run, system })).status, 'green');
});
