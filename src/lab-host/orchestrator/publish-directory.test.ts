import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { makeBench } from './orchestrator.fixture.ts';
import { type DirectoryStep, publishDirectory } from './publish-directory.ts';

async function publish(
  t: TestContext,
  place: (root: string) => string,
  { keep = false, afterStep = (_: DirectoryStep) => {} } = {},
) {
  const bench = await makeBench(t);
  const { root, dataDir, clock, logger } = bench;
  const directory = join(place(root), 'run');
  mkdirSync(directory);
  writeFileSync(join(directory, 'data'), 'data');
  const id = await publishDirectory({
    directory,
    given: { id: undefined, commit: undefined, schemaVersion: undefined },
    keep,
    config: { host_id: 'h1', paths: { data_dir: dataDir } },
    logger,
    clock,
    afterStep,
  });
  const said = bench.logged(/^the directory is copied$/).map(({ fields }) => fields);
  return { directory, episode: join(dataDir, 'episodes', id), said, recording: join(dataDir, 'recording') };
}

test('on the filesystem of the data it is moved, and nothing speaks of a copy', async (t) => {
  const { directory, said } = await publish(t, (root) => root);
  assert.deepEqual([existsSync(directory), said], [false, []]);
});

const elsewhere = (t: TestContext) => () => {
  const place = mkdtempSync('/dev/shm/cis490-test-');
  t.after(() => removeDirectory(place));
  return place;
};

/** The same filesystem, seen through another mount: to rename(2) it is another one. */
const boundTo = (t: TestContext) => () => {
  const place = makeDirectory();
  const [real, seen] = [join(place, 'real'), join(place, 'seen')];
  for (const path of [real, seen]) mkdirSync(path);
  execFileSync('mount', ['--bind', real, seen], { stdio: 'pipe' });
  t.after(() => {
    execFileSync('umount', ['--lazy', seen]);
    removeDirectory(place);
  });
  return seen;
};

function mayMount(): boolean {
  const place = makeDirectory();
  try {
    execFileSync('mount', ['--bind', place, place], { stdio: 'pipe' });
  } catch {
    return false;
  }
  execFileSync('umount', ['--lazy', place]);
  return true;
}

/** As the kernel answers where one filesystem is in truth several (overlays, quotas of projects). */
function refuseFirstRename(): (step: DirectoryStep) => void {
  let isRefused = false;
  return (step) => {
    if (step !== 'directory-synced' || isRefused) return;
    isRefused = true;
    throw Object.assign(new Error('EXDEV: cross-device link not permitted'), { code: 'EXDEV' });
  };
}

const COPIES: {
  title: string;
  place: (t: TestContext) => (root: string) => string;
  needs?: () => string | false;
  options?: () => { keep?: boolean; afterStep?: (step: DirectoryStep) => void };
  because: RegExp;
  isKept?: boolean;
}[] = [
  {
    title: 'from another filesystem',
    place: elsewhere,
    needs: () =>
      (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync('/tmp').dev) &&
      'needs a second filesystem at /dev/shm',
    because: /^it is on another filesystem than the data directory$/,
  },
  {
    title: 'from another mount of the same filesystem',
    place: boundTo,
    needs: () => !mayMount() && 'mounting is not permitted here; run as root: sudo npm test',
    because: /does not move it into the data directory \(EXDEV\)$/,
  },
  {
    title: 'where rename(2) refuses',
    place: () => (root) => root,
    options: () => ({ afterStep: refuseFirstRename() }),
    because: /does not move it into the data directory \(EXDEV\)$/,
  },
  {
    title: 'with --keep',
    place: () => (root) => root,
    options: () => ({ keep: true }),
    because: /^--keep$/,
    isKept: true,
  },
];
for (const { title, place, needs, options, because, isKept = false } of COPIES) {
  test(`${title} it is copied, which is said first, and why, and what becomes of the original`, async (t) => {
    const lacking = needs?.();
    if (lacking) return t.skip(lacking);
    const { directory, episode, said, recording } = await publish(t, place(t), options?.());
    assert.deepEqual(readdirSync(episode).sort(), ['data', 'meta.json']);
    assert.equal(readFileSync(join(episode, 'data'), 'utf8'), 'data');
    const { files } = JSON.parse(readFileSync(join(episode, 'meta.json'), 'utf8'));
    assert.deepEqual(
      files.map(({ path }: { path: string }) => path),
      ['data'],
    );
    assert.equal(existsSync(directory), isKept);
    assert.deepEqual(readdirSync(recording), []);
    assert.equal(said.length, 1);
    const { path, to, because: why, original } = said[0] ?? {};
    assert.deepEqual([path, to], [directory, recording]);
    assert.match(why ?? '', because);
    assert.equal(original, isKept ? 'stays' : 'is removed once the copy is published');
  });
}
