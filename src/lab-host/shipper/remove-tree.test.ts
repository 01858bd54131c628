import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_ROOT } from '../../../test/support/program.ts';
import { makeDirectory } from '../../../test/support/temporary-directory.ts';
import { removeTree } from './remove-tree.ts';

test('a tree goes also where its recorder left directories that may not be written to', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs another user to be: run as root: sudo npm test');
  const root = makeDirectory();
  const tree = join(root, 'episode');
  mkdirSync(join(tree, 'read-only/deeper'), { recursive: true });
  writeFileSync(join(tree, 'read-only/deeper/file'), 'x');
  const nobody = 65_534;
  for (const path of ['read-only/deeper/file', 'read-only/deeper', 'read-only', ''])
    chownSync(join(tree, path), nobody, nobody);
  chownSync(root, nobody, nobody);
  for (const path of ['read-only/deeper', 'read-only']) chmodSync(join(tree, path), 0o555);
  // Root may delete anything: another user has to try.
  const script = `import { removeTree } from ${JSON.stringify(join(PROJECT_ROOT, 'src/lab-host/shipper/remove-tree.ts'))}; await removeTree(${JSON.stringify(tree)});`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { uid: nobody, gid: nobody });
  assert.equal(existsSync(tree), false);
});

test('what is not there is no failure', async () => {
  await removeTree(join(makeDirectory(), 'nothing'));
});
