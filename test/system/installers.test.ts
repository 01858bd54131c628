// The installers into a directory, without a running systemd: what they write, that a second run writes nothing, and that a run that was
// killed anywhere is made whole by the next. The units are judged by systemd's own tools.

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { memoryDirectory } from '../support/memory-directory.ts';
import { PROJECT_ROOT } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const COMMIT = 'c0ffee0000000000000000000000000000000001';
const SCRIPTS = readdirSync(join(PROJECT_ROOT, 'scripts')).filter((name) => name.endsWith('.sh'));
const UNITS = readdirSync(join(PROJECT_ROOT, 'etc/systemd'));

/** Installing is root's. */
function canInstall(t: TestContext): boolean {
  if (process.getuid?.() === 0 && process.platform === 'linux')
    return hasSystemPart(t, ['systemctl', '--version'], 'systemd');
  const what = 'needs Linux and root: sudo npm test';
  if (process.env['CI']) throw new Error(what);
  t.skip(what);
  return false;
}

/** A release with all that is installed, and a program that only says its version. */
function makeTree(directory: string, { commit = COMMIT, without = '' } = {}): string {
  const tree = join(directory, `tree-${commit.slice(-4)}`);
  for (const part of ['scripts', 'etc']) cpSync(join(PROJECT_ROOT, part), join(tree, part), { recursive: true });
  mkdirSync(join(tree, 'bin'));
  writeFileSync(join(tree, 'bin/cis490'), '#!/bin/sh\necho 0.1.0\n', { mode: 0o755 });
  writeFileSync(
    join(tree, 'MANIFEST.json'),
    JSON.stringify({ format: 1, commit, platform: 'linux-x64', bytes: 0, files: [] }),
  );
  if (without === '') return tree;
  const units = join(tree, 'scripts/install-units.sh');
  writeFileSync(units, readFileSync(units, 'utf8').replaceAll(without, ''), { mode: 0o755 });
  return tree;
}

function run(script: string, args: string[], environment: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  // A process group of its own, which a stand-in can kill as one.
  return spawnSync('/usr/bin/setsid', ['--wait', script, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
}

function install(tree: string, root: string, ...args: string[]): string {
  const { status, stdout, stderr } = run(join(tree, 'scripts/install-lab-host.sh'), ['--root', root, ...args]);
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

function makeRoot(t: TestContext, name = 'root'): { directory: string; root: string } {
  const directory = temporaryDirectory(t);
  const root = join(directory, name);
  mkdirSync(root);
  return { directory, root };
}

/** Every file with owner, mode and content; `times` too where nothing may have been written anew. */
function look(root: string, times = false): string[] {
  const format = `%P %y %m %U:%G %l${times ? ' %i %T@' : ''}\\n`;
  const { stdout } = spawnSync('find', [root, '-mindepth', '1', '-printf', format], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .sort()
    .map((line) => {
      const [path = '', kind] = line.split(' ');
      // When it was stamped, and the days in the password file.
      if (kind !== 'f' || /VERSION$|shadow$/.test(path)) return line;
      return `${line} ${createHash('sha256')
        .update(readFileSync(join(root, path)))
        .digest('hex')}`;
    });
}

test('shellcheck has nothing to say', (t) => {
  if (!hasSystemPart(t, ['shellcheck', '--version'], 'shellcheck')) return;
  const paths = SCRIPTS.map((name) => join('scripts', name));
  const { stdout } = spawnSync('shellcheck', paths, { cwd: PROJECT_ROOT, encoding: 'utf8' });
  assert.equal(stdout, '');
});

test('what is written: a release, links to it, the user’s directories, a configuration, units', (t) => {
  if (!canInstall(t)) return;
  const { directory, root } = makeRoot(t);
  install(makeTree(directory), root);
  const files = look(root).map((line) => line.split(' ').slice(0, 3).join(' '));
  for (const expected of [
    `opt/cis490/releases/${COMMIT}/VERSION f 644`,
    'opt/cis490/guard/update-guard.sh f 755',
    'etc/cis490 d 750',
    'etc/cis490/lab-host.toml f 640',
    'etc/cis490/lab-host.toml.example f 644',
    'var/lib/cis490/data d 750',
    'var/lib/cis490/identity d 700',
    'etc/systemd/system/cis490-shipper.service f 644',
  ])
    assert.ok(files.includes(expected), `${expected}\n${files.join('\n')}`);
  const stamp = JSON.parse(readFileSync(join(root, 'opt/cis490/releases', COMMIT, 'VERSION'), 'utf8'));
  assert.deepEqual([stamp.commit, stamp.dirty], [COMMIT, false]);
  assert.match(stamp.stamped_at_wall, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
});

test('run again, from wherever the release lies: nothing is written anew', (t) => {
  if (!canInstall(t)) return;
  const { directory, root } = makeRoot(t);
  const tree = makeTree(directory);
  install(tree, root, '--with-telemetry');
  const earlier = look(root, true);
  for (const from of [tree, join(root, 'opt/cis490/current'), join(root, 'opt/cis490')]) {
    install(from, root, '--with-telemetry');
    assert.deepEqual(look(root, true), earlier, from);
  }
});

test('killed before any of the commands that change something: the next run ends as one that was never killed', (t) => {
  if (!canInstall(t)) return;
  // In memory: hundreds of installations, each with its syncs.
  const directory = memoryDirectory();
  const clean = join(directory, 'clean');
  mkdirSync(clean);
  const tree = makeTree(directory);
  install(tree, clean, '--with-telemetry');
  const expected = look(clean);
  const standIns = makeStandIns(directory);
  let killed = 0;
  for (let at = 1; ; at += 1) {
    const root = join(directory, `killed-${at}`);
    mkdirSync(root);
    mkdirSync(join(directory, 'counts'));
    const environment = { PATH: standIns, KILL_AT: String(at) };
    const first = run(join(tree, 'scripts/install-lab-host.sh'), ['--root', root, '--with-telemetry'], environment);
    if (first.signal === null && first.status === 0) break;
    assert.equal(first.signal, 'SIGKILL', first.stderr);
    killed += 1;
    install(tree, root, '--with-telemetry');
    assert.deepEqual(look(root), expected, `killed before command ${at}`);
    for (const path of [root, join(directory, 'counts')]) rmSync(path, { recursive: true });
  }
  assert.ok(killed > 50, `killed ${killed} times`);
});

test('an edited configuration stays; the new template lies beside it', (t) => {
  if (!canInstall(t)) return;
  const { directory, root } = makeRoot(t);
  const file = join(root, 'etc/cis490/lab-host.toml');
  install(makeTree(directory), root);
  const edited = 'host_id = "mine"\n[receiver]\nurl = "http://r:1"\n';
  writeFileSync(file, edited);
  writeFileSync(`${file}.example`, 'an older one\n');
  install(makeTree(temporaryDirectory(t)), root);
  assert.equal(readFileSync(file, 'utf8'), edited);
  assert.equal(
    readFileSync(`${file}.example`, 'utf8'),
    readFileSync(join(PROJECT_ROOT, 'etc/lab-host.toml.example'), 'utf8'),
  );
});

const workload = '[[orchestrator.workload]]\nname = "telemetry"';
for (const [what, before, expected] of [
  ['a fresh one', undefined, { file: /^\[orchestrator\]$[^[]*^enabled = true$/m, said: undefined }],
  [
    'one without an orchestrator',
    'host_id = "h"\n',
    { file: /^host_id = "h"\n\n\[orchestrator\]\nenabled = true\n/, said: undefined },
  ],
  [
    'one with its own',
    'host_id = "h"\n[orchestrator]\n',
    { file: /^host_id = "h"\n\[orchestrator\]\n$/, said: /add at its end/ },
  ],
] as const) {
  test(`--with-telemetry and a configuration: ${what}`, (t) => {
    if (!canInstall(t)) return;
    const { directory, root } = makeRoot(t);
    const file = join(root, 'etc/cis490/lab-host.toml');
    const tree = makeTree(directory);
    if (before !== undefined) {
      install(tree, root);
      writeFileSync(file, before);
    }
    const said = install(tree, root, '--with-telemetry');
    const text = readFileSync(file, 'utf8');
    assert.match(text, expected.file);
    assert.equal((expected.said ? said : text).includes(workload), true);
    if (expected.said) assert.match(said, expected.said);
  });
}

test('another release: its units are put in place, what it no longer has goes, other people’s units stay', (t) => {
  if (!canInstall(t)) return;
  const { directory, root } = makeRoot(t);
  const units = join(root, 'etc/systemd/system');
  install(makeTree(directory), root);
  writeFileSync(join(units, 'cis490-mine.service'), '[Service]\nExecStart=/bin/true\n');
  const state = join(root, 'var/lib/cis490/update-state.json');
  const [other, third] = ['c0ffee0000000000000000000000000000000002', 'c0ffee0000000000000000000000000000000003'];
  const pending = `"pending": {"from":"${third}","to":"${COMMIT}","boots":1,"ticks":2,"max_ticks":6}`;
  writeFileSync(state, `{\n  ${pending},\n  "last": null\n}\n`);
  install(makeTree(directory, { commit: other, without: 'cis490-cert-fetch.timer' }), root);
  const left = readdirSync(units);
  assert.ok(!left.includes('cis490-cert-fetch.timer') && left.includes('cis490-cert-fetch.service'), left.join(' '));
  assert.ok(left.includes('cis490-mine.service'));
  // What a person puts in force is not on trial.
  assert.deepEqual(JSON.parse(readFileSync(state, 'utf8')), { pending: null, last: null });
  assert.deepEqual(readdirSync(join(root, 'opt/cis490/releases')), [COMMIT, other]);
});

test('both roles on one machine, and away again with everything but data and configuration', (t) => {
  if (!canInstall(t)) return;
  const { directory, root } = makeRoot(t);
  const tree = makeTree(directory);
  install(tree, root);
  for (const script of ['install-receiver.sh', 'install-lab-host.sh'])
    assert.equal(run(join(tree, 'scripts', script), ['--root', root]).status, 0);
  assert.deepEqual(
    readdirSync(join(root, 'etc/systemd/system'))
      .filter((name) => /^cis490-.*(service|timer)$/.test(name))
      .sort(),
    UNITS.toSorted(),
  );
  writeFileSync(join(root, 'var/lib/cis490/data/episode'), 'x');
  assert.equal(run(join(root, 'opt/cis490/scripts/uninstall.sh'), ['--root', root]).status, 0);
  const left = look(root).map((line) => line.split(' ')[0] ?? '');
  assert.deepEqual(
    left.filter((path) => path.includes('cis490') && !/^(etc|var\/lib)\/cis490/.test(path)),
    [],
  );
  assert.ok(left.includes('var/lib/cis490/data/episode') && left.includes('etc/cis490/lab-host.toml'));
  assert.equal(run(join(tree, 'scripts/uninstall.sh'), ['--root', root, '--purge']).status, 0);
  assert.deepEqual(
    look(root).filter((line) => line.includes('cis490')),
    [],
  );
  assert.doesNotMatch(readFileSync(join(root, 'etc/passwd'), 'utf8'), /cis490/);
});

test('a tree that is neither a checkout nor a release is refused, and nothing is put in force', (t) => {
  if (!canInstall(t)) return;
  const { directory, root } = makeRoot(t);
  const tree = makeTree(directory);
  spawnSync('rm', [join(tree, 'MANIFEST.json')]);
  const { status, stderr } = run(join(tree, 'scripts/install-lab-host.sh'), ['--root', root]);
  assert.equal(status, 1);
  assert.match(stderr, /neither a git checkout nor an unpacked release/);
  assert.ok(!look(root).some((line) => line.startsWith('opt/cis490/current')));
});

test('systemd-analyze verify has nothing to say of the units', (t) => {
  if (!canInstall(t)) return;
  const { directory, root } = makeRoot(t);
  const tree = makeTree(directory);
  install(tree, root);
  assert.equal(run(join(tree, 'scripts/install-receiver.sh'), ['--root', root]).status, 0);
  // In a copy of the units whose programs are those of the directory: it looks whether each can be run.
  const copies = join(directory, 'units');
  mkdirSync(copies);
  for (const name of UNITS) {
    const text = readFileSync(join(root, 'etc/systemd/system', name), 'utf8');
    writeFileSync(
      join(copies, name),
      text.replaceAll(/(?<=[=+ ])\/opt\/cis490(?=\/(current|guard)\/\S+\.?\w* )/g, join(root, 'opt/cis490')),
    );
  }
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...UNITS.map((name) => join(copies, name))], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.equal(status, 0);
});

// Tenths. Those that install run as root and must be able to write what they install.
const INSTALLING = { 'cis490-autoupdate.service': 30, 'cis490-bootstrap.service': 30 } as Record<string, number>;
for (const name of UNITS.filter((unit) => unit.endsWith('.service'))) {
  test(`exposure of ${name}`, (t) => {
    if (!hasSystemPart(t, ['systemd-analyze', '--version'], 'systemd')) return;
    const path = join(PROJECT_ROOT, 'etc/systemd', name);
    const threshold = `--threshold=${INSTALLING[name] ?? 20}`;
    const { status, stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', threshold, path], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  });
}

test('scripts that are run are executable, those that are read are not', () => {
  const modes = SCRIPTS.map(
    (name) => [name, (statSync(join(PROJECT_ROOT, 'scripts', name)).mode & 0o111) !== 0] as const,
  );
  for (const [name, isExecutable] of modes) {
    const opens = readFileSync(join(PROJECT_ROOT, 'scripts', name), 'utf8').startsWith('#!');
    assert.equal(isExecutable, opens, name);
  }
});

// Between two of these nothing is changed, but by the shell itself, which has then ended what it began.
const CHANGING = ['chmod', 'chown', 'cp', 'date', 'ln', 'mkdir', 'mv', 'rm', 'sync', 'systemctl', 'systemd-sysusers'];

/** A PATH whose programs count, and kill all of the installer before the one whose number is KILL_AT. */
function makeStandIns(directory: string): string {
  const path = join(directory, 'stand-ins');
  mkdirSync(path);
  const script = `#!/bin/sh
# Two of a pipe may start at once: each takes a number of its own.
set -C
count=1
until true 2>/dev/null >${directory}/counts/$count; do count=$((count + 1)); done
[ "$count" != "$KILL_AT" ] || kill -KILL 0
name=\${0##*/}
PATH=${process.env['PATH']}
exec "$name" "$@"
`;
  for (const name of CHANGING) writeFileSync(join(path, name), script, { mode: 0o755 });
  return `${path}:${process.env['PATH']}`;
}
