// Episodes that nobody expects: each is stored as plain tar unpacks it again, or lies in quarantine with its reason, and the queue goes on.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn } from '../support/nothing-lost.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const FILES = 100_000;
const FILES_IN_A_DIRECTORY = 1_000;
const SPARSE_BYTES = 64 * 1024 ** 2;

/** What it does to the directory of an episode, and where that ends. */
const POISON: [id: string, spoil: (path: string) => void, place: 'shipped' | 'quarantine'][] = [
  ['empty-file', (path) => writeFileSync(join(path, 'empty'), ''), 'shipped'],
  [
    'sparse-file',
    (path) => {
      writeFileSync(join(path, 'sparse'), 'begins');
      truncateSync(join(path, 'sparse'), SPARSE_BYTES);
    },
    'shipped',
  ],
  ['hard-link', (path) => linkSync(join(path, 'data'), join(path, 'linked')), 'shipped'],
  [
    'symbolic-links',
    (path) => {
      symlinkSync('data', join(path, 'inside'));
      symlinkSync('../../../etc/passwd', join(path, 'outside'));
      symlinkSync('nowhere', join(path, 'dangling'));
    },
    'shipped',
  ],
  ['newline-in-a-name', (path) => writeFileSync(join(path, 'new\nline'), 'x'), 'shipped'],
  ['dots-in-a-name', (path) => writeFileSync(join(path, '..hidden..'), 'x'), 'shipped'],
  ['name-of-no-utf-8', (path) => writeFileSync(Buffer.from(`${path}/caf\xe9`, 'latin1'), 'x'), 'quarantine'],
  ['pipe', (path) => execFileSync('mkfifo', [join(path, 'pipe')]), 'quarantine'],
  ['socket', (path) => leaveSocket(join(path, 'socket')), 'quarantine'],
  [
    'many-files',
    (path) => {
      for (let n = 0; n < FILES; n += 1) {
        const directory = join(path, `${Math.floor(n / FILES_IN_A_DIRECTORY)}`);
        if (n % FILES_IN_A_DIRECTORY === 0) mkdirSync(directory);
        writeFileSync(join(directory, `${n}`), `${n}`);
      }
    },
    'shipped',
  ],
];

/** The name stays when its server is killed. */
function leaveSocket(path: string): void {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  try {
    execFileSync(process.execPath, ['-e', script]);
  } catch {
    assert.ok(existsSync(path));
  }
}

test('each kind of it, in one queue', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  const publish = (episodeId: string) =>
    publishEpisode(host.data, 'lab-1', { episodeId, commit: GOOD_COMMIT, files: { data: 'measured' } });
  for (const [id, spoil] of POISON) {
    publish(id);
    spoil(join(host.data, 'episodes', id));
  }
  // No file at all, not even a meta.json: the receiver decides.
  mkdirSync(join(host.data, 'episodes/nothing-in-it'));
  publish('last-and-good');
  const pass = await fleet.shipOnce(host);
  assert.equal(pass.code, 0, pass.log);

  assert.deepEqual(namesIn(join(host.data, 'episodes')), []);
  const expected = [
    ...POISON.map(([id, , place]) => [place, id]),
    ['quarantine', 'nothing-in-it'],
    ['shipped', 'last-and-good'],
  ];
  for (const place of ['shipped', 'quarantine']) {
    const ids = expected.filter(([where]) => where === place).map(([, id]) => id);
    assert.deepEqual(namesIn(join(host.data, place)).sort(), ids.sort());
  }
  for (const id of namesIn(join(host.data, 'quarantine'))) {
    const reason = JSON.parse(readFileSync(join(host.data, 'quarantine', id, 'quarantine_reason.json'), 'utf8'));
    assert.match(reason.code, /^(?:episode-malformed|commit-missing)$/, id);
    assert.ok(reason.detail.length > 0, id);
  }
  for (const id of namesIn(join(host.data, 'shipped'))) {
    const unpacked = join(fleet.root, 'unpacked');
    mkdirSync(unpacked, { recursive: true });
    execFileSync('tar', ['--zstd', '-xf', join(fleet.store, `episodes/lab-1/${id}.tar.zst`), '-C', unpacked]);
    const [there, here] = [join(host.data, 'shipped', id), join(unpacked, id)];
    // Throws with what differs.
    execFileSync('diff', ['-r', '--no-dereference', '--exclude=receipt.json', there, here], { encoding: 'utf8' });
  }
});
