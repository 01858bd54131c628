// cis490 publish with the real programs: moved or copied, whole or not at all, whoever runs beside it and whenever it is killed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { DirectoryStep } from '../../src/lab-host/orchestrator/publish-directory.ts';
import { makeStaging } from '../../src/lab-host/orchestrator/staging.ts';
import { type Manifest, manifestOf, sameManifest, sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT } from '../support/fleet.ts';
import { namesIn } from '../support/nothing-lost.ts';
import { Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { removeDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

// A user and a group that no password file has.
const STRANGER = 54_321;

function makeHost(t: TestContext) {
  const root = temporaryDirectory(t);
  const data = join(root, 'data');
  const config = join(root, 'lab-host.toml');
  mkdirSync(data);
  const code = join(root, 'code');
  mkdirSync(code);
  writeFileSync(join(code, 'VERSION'), GOOD_COMMIT);
  writeFileSync(
    config,
    `host_id = "lab-1"\n[paths]\ndata_dir = "${data}"\n[receiver]\nurl = "http://127.0.0.1:1"\n[[orchestrator.workload]]\nname = "w"\ncommand = ["true"]\ninterval_s = 3600\ncode_root = "${code}"\n`,
  );
  return { root, data, config, recording: join(data, 'recording'), episodes: join(data, 'episodes') };
}

/** A recording of another recorder, and what is in it by digest but for meta.json. */
function record(path: string, meta?: Record<string, unknown>): Manifest {
  mkdirSync(join(path, 'sub'), { recursive: true });
  writeFileSync(join(path, 'data.bin'), Buffer.alloc(300_000, path));
  writeFileSync(join(path, 'sub/notes.txt'), 'two\nlines\n');
  if (meta) writeFileSync(join(path, 'meta.json'), JSON.stringify(meta));
  return contentOf(path);
}

const contentOf = (path: string) => new Map([...manifestOf(path)].filter(([name]) => name !== 'meta.json'));

async function publish(config: string, ...args: string[]) {
  const program = Program.cis490(['publish', '--config', config, ...args]);
  const { code } = await program.ended;
  return { code, id: program.stdout.trim(), log: program.stderr };
}

const readMeta = (episodes: string, id: string) => JSON.parse(readFileSync(join(episodes, id, 'meta.json'), 'utf8'));

test('a directory on the same filesystem is moved, and described', async (t) => {
  const { root, config, recording, episodes } = makeHost(t);
  const run = join(root, 'run-17');
  const content = record(run);
  writeFileSync(join(run, 'receipt.json'), '{"of":"another"}');
  const { ino } = statSync(run);
  const { code, id, log } = await publish(config, run, '--commit', GOOD_COMMIT.toUpperCase(), '--schema-version', '2');
  assert.equal(code, 0, log);
  assert.equal(id, 'run-17');
  assert.equal(existsSync(run), false);
  assert.equal(statSync(join(episodes, id)).ino, ino);
  const { files, ...meta } = readMeta(episodes, id);
  assert.deepEqual(meta, {
    episode_id: 'run-17',
    host_id: 'lab-1',
    schema_version: '2',
    workload: 'publish',
    started_at_wall: null,
    ended_at_wall: null,
    duration_s: null,
    exit: null,
    code_version: { commit: GOOD_COMMIT, dirty: false, stamped_at_wall: null },
  });
  const listed: Manifest = new Map(files.map((file: { path: string; sha256: string }) => [file.path, file.sha256]));
  assert.ok(sameManifest(listed, contentOf(join(episodes, id))));
  for (const [path, digest] of content) assert.equal(listed.get(path), digest);
  assert.ok(listed.has('recorded-receipt.json'));
  assert.deepEqual(namesIn(recording), []);
  assert.match(log, /INFO episode published host=lab-1 episode=run-17 /);
});

test('its own meta.json is kept, and completed', async (t) => {
  const { root, config, episodes } = makeHost(t);
  const run = join(root, 'run');
  record(run, { episode_id: 'arm-3', workload: 'arm', started_at_wall: '2026-05-01T06:37:53.830599+00:00', arm: [1] });
  const { id, log } = await publish(config, run);
  assert.equal(id, 'arm-3', log);
  const { workload, started_at_wall, arm, host_id, code_version, files } = readMeta(episodes, id);
  assert.deepEqual(
    [workload, started_at_wall, arm, host_id, code_version],
    ['arm', '2026-05-01T06:37:53.830599+00:00', [1], 'lab-1', null],
  );
  assert.deepEqual(
    files.map(({ path }: { path: string }) => path),
    ['data.bin', 'sub/notes.txt'],
  );
  assert.deepEqual(namesIn(join(episodes, id)), ['data.bin', 'meta.json', 'sub']);
  assert.match(log, /WARNING the episode has no code commit.*--commit/);
});

test('a meta.json that is none is set aside, and a name that is no id gets one', async (t) => {
  const { root, config, episodes } = makeHost(t);
  const run = join(root, 'run of today');
  record(run);
  writeFileSync(join(run, 'meta.json'), 'not json');
  const { id, log } = await publish(config, run);
  assert.match(id, /^publish-\d{8}T\d{6}Z-[0-9a-f]{6}$/, log);
  assert.equal(readFileSync(join(episodes, id, 'recorded-meta.json'), 'utf8'), 'not json');
  assert.equal(readMeta(episodes, id).episode_id, id);
});

const copies: [title: string, args: string[]][] = [
  ['from another filesystem', []],
  ['with --keep', ['--keep']],
];
for (const [title, args] of copies) {
  test(`copied ${title}, with links, pipes and names that are not UTF-8`, async (t) => {
    const { root, config, data, recording, episodes } = makeHost(t);
    const isKept = args.length > 0;
    let elsewhere = root;
    if (!isKept) {
      if (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(data).dev)
        return t.skip('needs a second filesystem at /dev/shm');
      elsewhere = mkdtempSync('/dev/shm/cis490-test-');
      t.after(() => removeDirectory(elsewhere));
    }
    const run = join(elsewhere, 'run');
    const content = record(run);
    symlinkSync('/etc/hostname', join(run, 'link'));
    execFileSync('mkfifo', [join(run, 'pipe')]);
    const unnamed = (directory: string) => Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff])]);
    writeFileSync(unnamed(run), 'bytes');
    const { code, id, log } = await publish(config, run, ...args);
    assert.equal(code, 0, log);
    assert.equal(existsSync(run), isKept);
    const episode = join(episodes, id);
    for (const directory of isKept ? [run, episode] : [episode]) {
      assert.equal(readFileSync(unnamed(directory), 'utf8'), 'bytes');
      for (const [path, digest] of content) assert.equal(sha256(readFileSync(join(directory, path))), digest);
    }
    assert.equal(existsSync(join(run, 'meta.json')), false);
    assert.equal(readlinkSync(join(episode, 'link')), '/etc/hostname');
    assert.ok(lstatSync(join(episode, 'pipe')).isFIFO());
    assert.match(log, /entries that meta.json cannot list .*unlisted=3/);
    assert.deepEqual(namesIn(recording), []);
  });
}

test('what is refused stays as it is', async (t) => {
  const { root, config, data, recording, episodes } = makeHost(t);
  const run = join(root, 'run');
  const content = record(run, { code_version: { commit: GOOD_COMMIT } });
  for (const place of [
    'episodes/taken',
    'shipped/gone-on',
    'quarantine/refused',
    'recording/records-now',
    'recording/abandoned',
  ]) {
    mkdirSync(join(data, place), { recursive: true });
  }
  writeFileSync(join(root, 'file'), '');
  const refused: [args: string[], code: number, says: RegExp][] = [
    [[run, '--id', 'taken'], 1, /episodes\/taken already exists/],
    [[run, '--id', 'gone-on'], 1, /shipped\/gone-on already exists/],
    [[run, '--id', 'refused'], 1, /quarantine\/refused already exists/],
    [[run, '--id', '../x'], 2, /is no episode id/],
    [[run, '--commit', 'main'], 2, /full git commit/],
    [[run, '--commit', 'f'.repeat(40)], 2, /--commit says f+, and the meta.json of the directory says a+/],
    [[join(root, 'nowhere')], 2, /there is no /],
    [[join(root, 'file')], 2, /is not a directory/],
    [[join(recording, 'records-now')], 2, /belongs to the data directory/],
    [[join(recording, 'abandoned')], 2, /belongs to the data directory/],
    [[root], 2, /belongs to the data directory/],
  ];
  for (const [args, code, says] of refused) {
    const answer = await publish(config, ...args);
    assert.equal(answer.code, code, `${args}: ${answer.log}`);
    assert.match(answer.log, says);
    assert.equal(answer.id, '');
  }
  assert.ok(sameManifest(contentOf(run), content));
  assert.deepEqual(namesIn(episodes), ['taken']);
  assert.deepEqual(namesIn(recording), ['abandoned', 'records-now']);
});

test('what was set aside can be handed over after all', async (t) => {
  const { config, recording, episodes } = makeHost(t);
  const run = join(recording, 'abandoned/w-1');
  record(run);
  const { code, log } = await publish(config, run);
  assert.equal(code, 0, log);
  assert.deepEqual(namesIn(episodes), ['w-1']);
});

test('an orchestrator that starts leaves the copy of a running publication alone, and sweeps the one of a dead one', async (t) => {
  const { config, recording, episodes } = makeHost(t);
  mkdirSync(recording);
  const staging = await makeStaging(recording);
  record(join(staging.directory, 'run'));
  mkdirSync(join(recording, '.publish-dead/run'), { recursive: true });
  const once = async () => {
    const orchestrator = Program.cis490(['orchestrator', '--once', '--config', config]);
    assert.equal((await orchestrator.ended).code, 0, orchestrator.stderr);
    assert.doesNotMatch(orchestrator.stderr, /cannot be removed/);
  };
  await once();
  assert.deepEqual(namesIn(recording), [staging.directory.slice(recording.length + 1), 'abandoned']);
  assert.deepEqual(namesIn(join(staging.directory, 'run')), ['data.bin', 'sub']);
  assert.equal(namesIn(episodes).length, 1);
  await staging.remove();
  await once();
  assert.deepEqual(namesIn(recording), ['abandoned']);
  assert.deepEqual(namesIn(join(recording, 'abandoned')), []);
});

describe('killed at each step: the original whole or the episode published', () => {
  const BEFORE: DirectoryStep[] = ['files-synced', 'meta-synced', 'directory-synced'];
  const AFTER: DirectoryStep[] = ['renamed', 'parents-synced'];
  const ways: Record<'moved' | 'copied', { before: DirectoryStep[]; after: DirectoryStep[] }> = {
    moved: { before: BEFORE, after: AFTER },
    copied: { before: ['staging-made', 'copied', ...BEFORE], after: [...AFTER, 'original-removed', 'staging-removed'] },
  };
  const script = join(import.meta.dirname, '../support/killed-publish.main.ts');
  for (const [way, { before, after }] of Object.entries(ways)) {
    for (const step of [...before, ...after]) {
      test(`${way}, after ${step}`, async (t) => {
        const { root, config, recording, episodes } = makeHost(t);
        const run = join(root, 'run');
        const content = record(run, { episode_id: 'ep', code_version: { commit: GOOD_COMMIT } });
        const isCopied = way === 'copied';
        const killed = Program.script(script, [config, run, step, isCopied ? 'keep' : '']);
        assert.equal((await killed.ended).signal, 'SIGKILL', `not killed after ${step}: ${killed.stderr}`);

        const isPublished = after.includes(step);
        assert.deepEqual(namesIn(episodes), isPublished ? ['ep'] : []);
        assert.equal(existsSync(run), isCopied || !isPublished);
        if (existsSync(run)) assert.ok(sameManifest(contentOf(run), content));

        const again = await publish(config, run, ...(isCopied ? ['--keep'] : []));
        assert.equal(again.code, isPublished ? (isCopied ? 1 : 2) : 0, again.log);
        assert.deepEqual(namesIn(episodes), ['ep']);
        assert.ok(sameManifest(contentOf(join(episodes, 'ep')), content));
        assert.deepEqual(
          readMeta(episodes, 'ep').files.map(({ path }: { path: string }) => path),
          [...content.keys()].sort(),
        );
        // A publication that is refused sweeps nothing; the orchestrator's next start does.
        const orchestrator = Program.cis490(['orchestrator', '--once', '--config', config]);
        await orchestrator.ended;
        assert.deepEqual(namesIn(recording), ['abandoned']);
        assert.deepEqual(namesIn(join(recording, 'abandoned')), []);
      });
    }
  }
});

describe('root leaves nothing of its own behind', () => {
  const owners: [title: string, owner: number, isMoved: boolean][] = [
    ['a recording of root is copied and given away', 0, false],
    ['a recording of a third user, too', STRANGER + 1, false],
    ["a recording of the data's owner with a file of another in it, too", STRANGER, false],
    ["a recording of the data's owner is moved as that user", STRANGER, true],
  ];
  for (const [title, owner, isMoved] of owners) {
    test(title, async (t) => {
      if (!hasSystemPart(t, ['sh', '-c', 'test "$(id -u)" = 0'], 'sudo and run the tests as root')) return;
      const { root, data, config, episodes } = makeHost(t);
      chownSync(root, STRANGER, STRANGER);
      chownSync(data, STRANGER, STRANGER);
      const run = join(root, 'run');
      const content = record(run);
      execFileSync('chown', ['-R', `${owner}:${owner}`, run]);
      // A secret of somebody else, linked into the recording: it must not change hands.
      const secret = join(root, 'secret');
      if (!isMoved) {
        writeFileSync(secret, 'secret');
        execFileSync('ln', [secret, join(run, 'hard-link')]);
        symlinkSync(secret, join(run, 'link'));
      }
      const { ino } = statSync(run);
      const { code, log } = await publish(config, run);
      assert.equal(code, 0, log);
      assert.equal(statSync(join(episodes, 'run')).ino === ino, isMoved);
      assert.equal(existsSync(run), false);
      assert.equal(
        execFileSync('find', [data, '!', '-uid', `${STRANGER}`, '-o', '!', '-gid', `${STRANGER}`], {
          encoding: 'utf8',
        }),
        '',
      );
      for (const [path, digest] of content) assert.equal(contentOf(join(episodes, 'run')).get(path), digest);
      if (!isMoved) assert.equal(statSync(secret).uid, 0);
    });
  }

  test('without a data directory it makes none', async (t) => {
    if (!hasSystemPart(t, ['sh', '-c', 'test "$(id -u)" = 0'], 'sudo and run the tests as root')) return;
    const { root, data, config } = makeHost(t);
    removeDirectory(data);
    record(join(root, 'run'));
    const { code, log } = await publish(config, join(root, 'run'));
    assert.equal(code, 2);
    assert.match(log, /the shipper makes it at its first start/);
    assert.equal(existsSync(data), false);
  });
});
