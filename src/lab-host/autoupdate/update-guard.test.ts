import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { formatUpdateState, type UpdateState } from '../../protocol/update-state.ts';
import { NEW, NEWER, OLD, UpdateBench } from './autoupdate.fixture.ts';
import { withStateLock } from './state-lock.ts';

const PENDING = { from: OLD, to: NEW, boots: 0, ticks: 0, max_ticks: 4 };
const RESTART = '--no-block restart cis490-autoupdate.service cis490-shipper.service';
// What a release that is on trial may have beside it.
const REST: UpdateState = {
  last: { result: 'updated', at_wall: 'then' },
  highest_release_number: 7,
  trial: { units: ['x'] },
};

interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

async function onTrial(
  t: TestContext,
  pending: Partial<typeof PENDING> = {},
  rest: UpdateState = REST,
): Promise<UpdateBench> {
  const bench = await UpdateBench.create(t);
  bench.place(NEW);
  link(bench, NEW);
  writeFileSync(bench.statePath, formatUpdateState({ pending: { ...PENDING, ...pending }, ...rest }));
  return bench;
}

function link(bench: UpdateBench, commit: string): void {
  rmSync(join(bench.base, 'current'));
  symlinkSync(`releases/${commit}`, join(bench.base, 'current'));
}

function guard(bench: UpdateBench, args: string[], more: { shell?: string; path?: string } = {}): Promise<Ran> {
  const { shell = 'dash', path } = more;
  const script = join(bench.base, 'guard/update-guard.sh');
  const env = { ...bench.environment, ...(path !== undefined && { PATH: `${path}:${bench.environment['PATH']}` }) };
  const [command, ...rest] = shell.split(' ');
  return new Promise((resolve) => {
    const child = execFile(command ?? '', [...rest, script, ...args], { env }, (_error, _stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, stderr });
    });
  });
}

const isWell = ({ code, signal }: Ran) => assert.deepEqual([code, signal], [0, null]);
const namesIn = (path: string) => readdirSync(path).sort();

function isWholeAfterFlip(bench: UpdateBench): void {
  const { pending, flipped, ...rest } = bench.state;
  assert.deepEqual([bench.current, pending], [OLD, null]);
  assert.deepEqual([flipped?.from, flipped?.to], [OLD, NEW]);
  assert.deepEqual({ ...rest }, JSON.parse(JSON.stringify(REST)));
  assert.ok(bench.told.includes('aaaa lab-host'), bench.told.join('\n'));
  // A lock that a killed one has left is taken by whoever wants it next.
  const inGuard = namesIn(join(bench.base, 'guard')).filter((name) => name !== 'update-state.lock');
  assert.deepEqual(inGuard, ['update-guard.sh', 'update-state.json']);
  assert.deepEqual(namesIn(join(bench.root, 'var')), ['data', 'update-state.json']);
}

for (const shell of ['dash', 'sh', 'bash --posix']) {
  describe(`under ${shell}`, () => {
    const available = (t: TestContext) => hasSystemPart(t, [...shell.split(' '), '-c', ':'], shell.split(' ')[0] ?? '');

    test('starts and minutes are counted, and nothing else is changed', async (t) => {
      if (!available(t)) return;
      const bench = await onTrial(t);
      for (const args of [['unit', 'cis490-shipper.service'], ['unit'], ['tick']])
        isWell(await guard(bench, args, { shell }));
      assert.deepEqual(bench.state.pending, { ...PENDING, boots: 2, ticks: 1 });
      const counted = formatUpdateState({ pending: { ...PENDING, boots: 2, ticks: 1 }, ...REST });
      assert.equal(readFileSync(bench.statePath, 'utf8'), counted);
      assert.deepEqual([bench.current, bench.told], [NEW, []]);
    });

    for (const [what, pending, arg, why] of [
      ['eleven starts', { boots: 10 }, 'unit', '11 starts of units without a confirmation'],
      ['as many minutes as are given', { ticks: 3 }, 'tick', '4 minutes without a confirmation'],
    ] as const) {
      test(`${what}: back, with the units, and everything restarted`, async (t) => {
        if (!available(t)) return;
        const bench = await onTrial(t, pending);
        isWell(await guard(bench, [arg], { shell }));
        isWholeAfterFlip(bench);
        assert.equal(bench.state.flipped?.why, why);
        assert.deepEqual(bench.told, [RESTART, 'aaaa lab-host']);
        isWell(await guard(bench, ['tick'], { shell }));
        assert.equal(bench.told.length, 2, 'once');
      });
    }
  });
}

test('ten starts are not too many', async (t) => {
  const bench = await onTrial(t, { boots: 9 });
  isWell(await guard(bench, ['unit']));
  assert.deepEqual([bench.current, bench.state.pending?.boots], [NEW, 10]);
});

test('a release that is not there is taken back at once, also where `current` is gone', async (t) => {
  for (const isLinkGone of [false, true]) {
    const bench = await onTrial(t);
    rmSync(join(bench.base, 'releases', NEW), { recursive: true });
    if (isLinkGone) rmSync(join(bench.base, 'current'));
    isWell(await guard(bench, ['unit']));
    isWholeAfterFlip(bench);
    assert.equal(bench.state.flipped?.why, `${NEW} is not there`);
  }
});

test('what the installer drops is on trial no more, and nothing else is changed', async (t) => {
  const bench = await onTrial(t, { boots: 3 });
  for (let n = 0; n < 2; n += 1) {
    isWell(await guard(bench, ['drop']));
    assert.deepEqual([bench.current, bench.state], [NEW, { pending: null, ...JSON.parse(JSON.stringify(REST)) }]);
  }
});

test('an older note of the guard is replaced', async (t) => {
  for (const rest of [
    { flipped: { from: NEWER, to: OLD, why: 'x' }, ...REST },
    { ...REST, flipped: { from: NEWER, to: OLD, why: 'x' } },
    { ...REST, flipped: null },
  ]) {
    const bench = await onTrial(t, { ticks: 3 }, rest);
    isWell(await guard(bench, ['tick']));
    isWholeAfterFlip(bench);
  }
});

test('with nothing but `pending` in it the file stays whole', async (t) => {
  const bench = await onTrial(t, { ticks: 3 }, {});
  isWell(await guard(bench, ['tick']));
  assert.deepEqual([bench.state.pending, bench.state.flipped?.from], [null, OLD]);
});

describe('nothing is changed', () => {
  test('where what ran before is gone', async (t) => {
    const bench = await onTrial(t, { ticks: 3 });
    rmSync(join(bench.base, 'releases', OLD), { recursive: true });
    const ran = await guard(bench, ['tick']);
    isWell(ran);
    assert.match(ran.stderr, /which ran before, is not there: nothing is changed/);
    assert.deepEqual([bench.current, bench.state.pending?.ticks, bench.told], [NEW, 4, []]);
  });

  test('where somebody put another release in force', async (t) => {
    const bench = await onTrial(t, { ticks: 3 });
    bench.place(NEWER);
    link(bench, NEWER);
    isWell(await guard(bench, ['tick']));
    assert.deepEqual([bench.current, bench.told], [NEWER, []]);
  });

  const line = `  "pending": ${JSON.stringify(PENDING)},`;
  for (const [what, content] of [
    ['nothing on trial', formatUpdateState({ ...REST })],
    ['empty', ''],
    ['garbage', '\0\xff{{{\n"pending": 7'],
    ['torn within the line', `{\n${line.slice(0, 60)}`],
    ['two such lines', `{\n${line}\n${line}\n  "last": null\n}\n`],
    ['a commit that is none', `{\n${line.replace(NEW, '../../../../etc')}\n  "last": null\n}\n`],
    ['counts that are none', `{\n${line.replace('"boots":0', '"boots":-1')}\n  "last": null\n}\n`],
  ] as const) {
    test(`by a state with ${what}`, async (t) => {
      const bench = await onTrial(t);
      writeFileSync(bench.statePath, content);
      for (const arg of ['unit', 'tick']) isWell(await guard(bench, [arg]));
      assert.equal(readFileSync(bench.statePath, 'utf8'), content);
      assert.deepEqual([bench.current, bench.told], [NEW, []]);
    });
  }

  test('without a state, or a link to one', async (t) => {
    const bench = await onTrial(t);
    rmSync(bench.statePath);
    isWell(await guard(bench, ['unit']));
    rmSync(join(bench.base, 'guard/update-state.json'));
    isWell(await guard(bench, ['unit']));
  });

  test('by a usage that is none', async (t) => {
    const bench = await onTrial(t);
    assert.equal((await guard(bench, ['flip'])).code, 2);
    assert.equal(bench.state.pending?.ticks, 0);
  });
});

test('torn behind its line, it is still taken back', async (t) => {
  const bench = await onTrial(t, { ticks: 3 });
  writeFileSync(bench.statePath, readFileSync(bench.statePath, 'utf8').slice(0, -20));
  isWell(await guard(bench, ['tick']));
  assert.equal(bench.current, OLD);
  assert.match(readFileSync(bench.statePath, 'utf8'), /^ {2}"pending": null,\n {2}"flipped": \{/m);
});

test('nothing is written through a link that the service has put beside the state', async (t) => {
  const bench = await onTrial(t);
  const victim = join(bench.root, 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, `${bench.statePath}.guard`);
  isWell(await guard(bench, ['tick']));
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.equal(bench.state.pending?.ticks, 1);
});

describe('killed before each of its commands', () => {
  const COMMANDS = ['cat', 'cut', 'ln', 'mv', 'readlink', 'rm', 'sed', 'sync', 'systemctl', 'tr'];

  /** A shell for the guard, and stand-ins for its commands: the nth that is called kills that shell. */
  function killAt(bench: UpdateBench, nth: number): { shell: string; path: string } {
    const path = join(bench.root, 'killing');
    mkdirSync(path);
    for (const command of COMMANDS) {
      const real = command === 'systemctl' ? join(bench.root, 'bin/systemctl') : `/usr/bin/${command}`;
      const script = `#!/bin/dash
n=1
until /usr/bin/mkdir "${path}/call-$n" 2>/dev/null; do n=$((n + 1)); done
[ $n -ne ${nth} ] || { kill -9 "$GUARD_PID"; exit 1; }
exec "${real}" "$@"
`;
      writeFileSync(join(path, command), script, { mode: 0o755 });
    }
    const shell = join(path, 'shell');
    writeFileSync(shell, `#!/bin/dash\nexport GUARD_PID=$$ SYSTEMCTL="${path}/systemctl"\nexec dash "$@"\n`, {
      mode: 0o755,
    });
    return { shell, path };
  }

  test('the next run does the rest', async (t) => {
    let kills = 0;
    for (let isKilled = true; isKilled; ) {
      const bench = await onTrial(t, { ticks: 3 });
      const { signal } = await guard(bench, ['tick'], killAt(bench, kills + 1));
      isKilled = signal === 'SIGKILL';
      assert.ok([OLD, NEW].includes(bench.current), 'current leads to a release');
      assert.ok(bench.state, 'the state is whole');
      isWell(await guard(bench, ['tick']));
      isWholeAfterFlip(bench);
      if (isKilled) kills += 1;
    }
    assert.ok(kills > 20, `${kills}`);
  });
});

test('many at once lose no count, and one of them alone takes it back', async (t) => {
  const bench = await onTrial(t, { max_ticks: 100 });
  const ran = await Promise.all(Array.from({ length: 6 }, () => guard(bench, ['tick'])));
  ran.forEach(isWell);
  const uncounted = ran.filter(({ stderr }) => stderr.includes('not counted')).length;
  assert.equal(bench.state.pending?.ticks, 6 - uncounted);

  writeFileSync(bench.statePath, formatUpdateState({ pending: { ...PENDING, ticks: 3 }, ...REST }));
  (await Promise.all(Array.from({ length: 4 }, () => guard(bench, ['tick'])))).forEach(isWell);
  isWholeAfterFlip(bench);
  assert.deepEqual(bench.told, [RESTART, 'aaaa lab-host']);
});

describe('with the updater', () => {
  test('what the guard counted and took back, the updater reads, tells and remembers', async (t) => {
    const bench = await onTrial(
      t,
      { ticks: 3 },
      { trial: { release_number: 7, source: 'receiver' }, highest_release_number: 6 },
    );
    isWell(await guard(bench, ['tick']));
    const { report, exitCode } = await bench.run();
    assert.deepEqual([report.result, report.commit, exitCode], ['rolled-back', OLD, 1]);
    const { flipped, trial, last, bad, highest_release_number: highest } = bench.state;
    assert.deepEqual([flipped, trial, highest], [undefined, undefined, 6]);
    assert.deepEqual([last?.result, last?.target, bad?.[0]?.release_number], ['rolled-back', NEW, 7]);
    assert.match(last?.detail ?? '', /^taken back by the guard: 4 minutes/);
    assert.deepEqual(
      [(await bench.run()).exitCode, bench.state.last?.result],
      [0, 'current'],
      'nothing is offered any more',
    );
  });

  test('a release that the guard took back while it was watched is not confirmed', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    let hasFlipped = false;
    const clock = bench.clock;
    const { report } = await bench.run({
      clock: {
        ...clock,
        sleep: async (ms) => {
          await clock.sleep(ms);
          if (hasFlipped || bench.nowMs < 20_000) return;
          hasFlipped = true;
          for (let n = 0; n < 4; n += 1) isWell(await guard(bench, ['tick']));
        },
      },
    });
    assert.deepEqual([report.result, bench.current, bench.state.last?.result], ['rolled-back', OLD, 'rolled-back']);
    assert.equal(bench.state.highest_release_number, undefined);
  });

  test('each waits for the other’s write', async (t) => {
    const bench = await onTrial(t);
    const directory = join(bench.base, 'guard');
    let counted: Promise<Ran> | undefined;
    const outcome = await withStateLock(directory, bench.clock, async () => {
      counted = guard(bench, ['tick']);
      // It has come as far as the lock, which it looks at again and again, when the lock is all that keeps it.
      writeFileSync(bench.statePath, formatUpdateState({ pending: null, last: { result: 'updated' } }));
    });
    assert.equal(outcome.kind, 'done');
    isWell((await counted) as Ran);
    assert.equal(bench.state.pending, null);
    assert.equal(bench.state.last?.result, 'updated');
  });

  test('a lock of the dead is taken, by either', async (t) => {
    const bench = await onTrial(t, { max_ticks: 100 });
    const lock = join(bench.base, 'guard/update-state.lock');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    for (const holder of [`${boot}:999999999:1`, `${boot}:${process.pid}:1`, 'another-boot:1:1', 'garbage']) {
      symlinkSync(holder, lock);
      isWell(await guard(bench, ['tick']));
      symlinkSync(holder, lock);
      assert.equal((await withStateLock(join(bench.base, 'guard'), bench.clock, async () => 1)).kind, 'done');
    }
    assert.equal(bench.state.pending?.ticks, 4);
  });

  test('a lock of the living is waited for, and then not', async (t) => {
    const bench = await onTrial(t);
    const directory = join(bench.base, 'guard');
    await withStateLock(directory, bench.clock, async () => {
      const inner = await withStateLock(directory, bench.clock, async () => assert.fail('taken'));
      assert.equal(inner.kind, 'held');
    });
    assert.ok(bench.nowMs >= 60_000);
  });
});
