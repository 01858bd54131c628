// Holds the dependency rule: bin → component → storage → protocol → lib, never back, and no component into another.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const LAYERS: Record<string, number> = { lib: 0, protocol: 1, storage: 2 };
const COMPONENT_LAYER = 3;

interface Import {
  from: string;
  to: string;
}

const files = ['src', 'bin'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.fixture.ts'))
    .map((name) => join(top, name)),
);
const imports = files.flatMap(importsOf);

test('the graph was read', () => {
  assert.ok(files.length > 80 && imports.length > 200, `${files.length} files, ${imports.length} imports`);
  assert.ok(imports.some(({ from, to }) => from === 'bin/commands/receiver.ts' && to === 'src/receiver/app.ts'));
});

test('imports go down the layers alone, and components never meet', () => {
  assert.deepEqual(imports.filter(({ from, to }) => !mayImport(from, to)).map(arrow), []);
});

test('the programs of a lab host share its configuration, the way to the receiver, and nothing else', () => {
  const program = (path: string) => /^src\/lab-host\/([^/]+)\//.exec(path)?.[1];
  const crossing = imports
    .filter(({ from, to }) => program(from) && program(to) && program(from) !== program(to))
    .filter(({ to }) => program(to) !== 'transport');
  assert.deepEqual(crossing.map(arrow), []);
});

test('storage is met through its ports; only open-storage.ts chooses', () => {
  const isAdapter = (path: string) => /^src\/storage\/(?:filesystem|sqlite)\//.test(path);
  const leaks = imports.filter(
    ({ from, to }) => isAdapter(to) && !isAdapter(from) && from !== 'src/storage/open-storage.ts',
  );
  assert.deepEqual(leaks.map(arrow), []);
});

test('no file is reached by its own imports', () => {
  const next = Map.groupBy(imports, ({ from }) => from);
  const cyclic = files.filter((file) => {
    const seen = new Set<string>();
    const visit = (path: string): boolean =>
      (next.get(path) ?? []).some(({ to }) => to === file || (!seen.has(to) && seen.add(to) && visit(to)));
    return visit(file);
  });
  assert.deepEqual(cyclic, []);
});

test('it sees a breach', () => {
  assert.equal(mayImport('src/lib/clock.ts', 'src/protocol/ids.ts'), false);
  assert.equal(mayImport('src/receiver/app.ts', 'src/lab-host/lab-host-config.ts'), false);
  assert.equal(mayImport('src/lab-host/shipper/app.ts', 'src/storage/ledger.ts'), false);
  assert.equal(mayImport('src/receiver/app.ts', 'src/storage/ledger.ts'), true);
  assert.equal(mayImport('src/export/app.ts', 'src/operator/receiver-client.ts'), false);
  assert.equal(mayImport('src/export/app.ts', 'src/storage/open-storage.ts'), true);
});

function mayImport(from: string, to: string): boolean {
  if (from.startsWith('bin/')) return true;
  const [, fromPart = ''] = from.split('/');
  const [, toPart = ''] = to.split('/');
  if (fromPart === toPart) return true;
  if (fromPart === 'lab-host' && toPart === 'storage') return false;
  return (LAYERS[toPart] ?? COMPONENT_LAYER) < (LAYERS[fromPart] ?? COMPONENT_LAYER);
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, target = '']) => ({
    from: file,
    to: relative('.', normalize(join(dirname(file), target))),
  }));
}

function arrow({ from, to }: Import): string {
  return `${from} → ${to}`;
}
