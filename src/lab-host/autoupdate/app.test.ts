import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SmallDisk } from '../../../test/support/small-disk.ts';
import { programRunner, type RunProgram } from '../../lib/self-check/run-program.ts';
import { formatUpdateState } from '../../protocol/update-state.ts';
import { NEW, NEWER, OLD, UpdateBench, WINDOW_S } from './autoupdate.fixture.ts';
import { UPDATE_STEPS, type UpdateStep } from './update-step.ts';

const HOUR_MS = 3_600_000;
const releases = (bench: UpdateBench) => readdirSync(join(bench.base, 'releases')).sort();

describe('an update that goes well', () => {
  test('takes each step in its order, and ends confirmed', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    const steps: UpdateStep[] = [];
    const { report, exitCode } = await bench.run({ afterStep: (step) => steps.push(step) });
    assert.deepEqual([report.result, report.commit, exitCode], ['updated', NEW, 0], bench.log.join('\n'));
    assert.deepEqual(steps, UPDATE_STEPS);
    assert.equal(bench.current, NEW);
    assert.ok(bench.nowMs >= WINDOW_S * 1000);
    const { pending, trial, last, highest_release_number: highest, highest_release_commit: ofHighest } = bench.state;
    assert.deepEqual([pending, trial, highest, ofHighest], [null, undefined, 7, NEW]);
    assert.deepEqual(
      [last?.result, last?.commit, last?.target, last?.source, last?.failures],
      ['updated', OLD, NEW, 'receiver', 0],
    );
    assert.equal(statSync(bench.statePath).mode & 0o777, 0o644);
    assert.deepEqual(bench.told, ['--no-block restart cis490-shipper.service', 'bbbb lab-host']);
    const tree = join(bench.base, 'releases', NEW);
    assert.equal(JSON.parse(readFileSync(join(tree, 'VERSION'), 'utf8')).commit, NEW);
    assert.equal(statSync(join(tree, 'bin/cis490')).mode & 0o777, 0o755);
    assert.equal(readFileSync(join(tree, 'docs/link.md'), 'utf8'), '{}\n');
    assert.deepEqual(releases(bench), ['.incoming', OLD, NEW]);
    assert.deepEqual(readdirSync(join(bench.base, 'releases/.incoming')), []);
    assert.match(bench.log.at(-1) ?? '', /update done result=updated/);
  });

  test('and the next run has nothing to do', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    await bench.run();
    const { report, exitCode } = await bench.run();
    assert.deepEqual([report.result, exitCode], ['current', 0]);
    assert.equal(bench.state.last?.result, 'current');
    assert.equal(bench.told.length, 2);
  });

  test('and the run after it puts the guard of the confirmed release in place', async (t) => {
    const bench = await UpdateBench.create(t);
    const guard = join(bench.base, 'guard/update-guard.sh');
    const before = readFileSync(guard, 'utf8');
    await bench.offer(NEW, 7);
    await bench.run();
    assert.equal(readFileSync(guard, 'utf8'), before);
    const mended = join(bench.base, 'releases', NEW, 'scripts/update-guard.sh');
    writeFileSync(mended, `${before}# mended\n`);
    await bench.run();
    assert.equal(readFileSync(guard, 'utf8'), `${before}# mended\n`);
    assert.equal(statSync(guard).mode & 0o777, 0o755);
    rmSync(mended);
    await bench.run();
    assert.equal(readFileSync(guard, 'utf8'), `${before}# mended\n`, 'a release without one leaves it');
  });

  for (const status of [204, 404, 405]) {
    test(`a receiver that answers ${status} has nothing for this host`, async (t) => {
      const bench = await UpdateBench.create(t);
      bench.head = status;
      assert.deepEqual((await bench.run()).exitCode, 0);
      assert.deepEqual([bench.state.last?.result, bench.state.last?.target], ['current', OLD]);
    });
  }

  test('a release that is on the disk already, whole, is not downloaded again; one that is not is made anew', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    bench.place(NEW);
    assert.equal((await bench.run()).report.result, 'updated');
    assert.equal(bench.requests.length, 1);
    assert.match(bench.requests[0] ?? '', /\?platform=linux-\w+&host=lab-1$/);

    await bench.offer(NEWER, 8);
    bench.place(NEWER);
    writeFileSync(join(bench.base, 'releases', NEWER, 'package.json'), '{]\n');
    assert.equal((await bench.run()).report.result, 'updated');
    assert.equal(bench.requests.length, 3);
    assert.equal(readFileSync(join(bench.base, 'releases', NEWER, 'package.json'), 'utf8'), '{}\n');
  });

  test('no more releases are kept than keep_releases, never without the one before', async (t) => {
    const bench = await UpdateBench.create(t, 'keep_releases = 2');
    bench.place('d'.repeat(40));
    bench.place('e'.repeat(40));
    await bench.offer(NEW, 7);
    await bench.run();
    assert.deepEqual(releases(bench), ['.incoming', OLD, NEW]);
  });

  test('what was left half-done goes, but for what is wanted', async (t) => {
    const bench = await UpdateBench.create(t);
    const head = await bench.offer(NEW, 7);
    mkdirSync(join(bench.base, 'releases', `.unpack-${NEWER}`, 'x'), { recursive: true });
    mkdirSync(join(bench.base, 'releases/.incoming'));
    writeFileSync(join(bench.base, 'releases/.incoming', `${'0'.repeat(64)}.part`), 'x');
    bench.cuts = [30, 0, 0, 0];
    assert.equal((await bench.run()).report.result, 'failed');
    assert.deepEqual(releases(bench), ['.incoming', OLD]);
    assert.deepEqual(readdirSync(join(bench.base, 'releases/.incoming')), [`${head.sha256}.part`]);
  });

  test('--check says what would be done, and changes nothing', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    const { report, exitCode } = await bench.run({ check: true });
    assert.deepEqual([report.result, report.commit, report.target, exitCode], ['available', OLD, NEW, 0]);
    assert.deepEqual([existsSync(bench.statePath), releases(bench)], [false, [OLD]]);
  });

  test('enabled = false: nothing is asked; what is on trial is ended all the same', async (t) => {
    const bench = await UpdateBench.create(t);
    const off = readFileSync(bench.configPath, 'utf8').replace('enabled = true', 'enabled = false');
    writeFileSync(bench.configPath, off);
    assert.deepEqual((await bench.run()).report.result, 'off');
    assert.equal(bench.requests.length, 0);
  });
});

describe('nothing is changed', () => {
  test('by a failure of the network, told with how often; three in a row are told as that', async (t) => {
    const bench = await UpdateBench.create(t);
    bench.head = 503;
    for (const failures of [1, 2, 3]) {
      assert.equal((await bench.run()).exitCode, 1);
      assert.deepEqual([bench.state.last?.result, bench.state.last?.failures], ['failed', failures]);
    }
    await bench.offer(NEW, 7);
    await bench.run();
    assert.equal(bench.state.last?.failures, 0);
  });

  test('by a download that ends again and again; the next run goes on from there', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    bench.cuts = [100, 50, 0, 0, 0];
    const { report } = await bench.run();
    assert.equal(report.result, 'failed');
    assert.deepEqual(
      bench.requests.slice(1).map((request) => request.split(' ')[1]),
      [undefined, 'bytes=100-', 'bytes=150-', 'bytes=150-', 'bytes=150-'],
    );
    bench.cuts = [];
    assert.equal((await bench.run()).report.result, 'updated');
    assert.match(bench.requests.at(-1) ?? '', /bytes=150-$/);
  });

  test('by a disk that fills meanwhile, told as that; the next run goes on from there', async (t) => {
    const bench = await UpdateBench.create(t);
    const disk = SmallDisk.mount(t, join(bench.base, 'releases/.incoming'), '64k');
    if (!disk) return;
    await bench.offer(NEW, 7, { more: { large: randomBytes(100_000).toString('base64') } });
    const { report } = await bench.run();
    assert.deepEqual([report.result, report.detail], ['failed', `no room on the disk of ${bench.base}/releases`]);
    execFileSync('mount', ['-o', 'remount,size=1m', disk.path]);
    assert.equal((await bench.run()).report.result, 'updated', bench.log.join('\n'));
    assert.match(bench.requests.at(-1) ?? '', / bytes=65536-$/);
  });

  test('where a receiver knows no ranges, all of it comes again', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    bench.honoursRange = false;
    bench.cuts = [100];
    assert.equal((await bench.run()).report.result, 'updated');
  });

  test('by a bundle that is not what was signed', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    bench.spoilBundle(NEW);
    const { report } = await bench.run();
    assert.match(report.detail ?? '', /its digest is another/);
    assert.deepEqual([bench.current, releases(bench), bench.state.bad], [OLD, ['.incoming', OLD], undefined]);
    assert.deepEqual(readdirSync(join(bench.base, 'releases/.incoming')), []);
  });

  test('without systemd', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    writeFileSync(join(bench.root, 'bin/systemctl'), '#!/bin/sh\nexit 1\n');
    const { report } = await bench.run();
    assert.match(report.detail ?? '', /^a release cannot be put in force here: /);
    assert.equal(bench.requests.length, 1);
  });

  for (const [what, behaviour, why] of [
    ['does not start', { version: 1 }, /cis490 --version: exit code 1/],
    ['refuses this configuration', { config: 2 }, /config check --role lab-host .*: exit code 2: checked/],
    ['has a program without help', { help: 3 }, /cis490 shipper --help: exit code 3/],
    ['has no program', { more: { 'bin/cis490': 'x' } }, /bin\/cis490 cannot be run/],
  ] as const) {
    test(`by a release that ${what}; it is remembered`, async (t) => {
      const bench = await UpdateBench.create(t);
      await bench.offer(NEW, 7, behaviour);
      const { report, exitCode } = await bench.run();
      assert.deepEqual([report.result, exitCode, bench.current], ['failed', 1, OLD]);
      assert.match(report.detail ?? '', why);
      assert.deepEqual(bench.told, []);
      assert.equal(bench.state.bad?.[0]?.commit, NEW);
      const again = await bench.run();
      assert.deepEqual([again.report.result, again.exitCode], ['left-alone', 0]);
      assert.equal(bench.state.last?.result, 'failed');
    });
  }

  test('by a second run beside the first', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    let second: unknown;
    await bench.run({
      afterStep: (step) => {
        if (step === 'asked') second = bench.run().catch((error: unknown) => error);
      },
    });
    assert.equal(((await second) as { code?: string }).code, 'already-running');
  });

  test('by a program that runs from elsewhere', async (t) => {
    const bench = await UpdateBench.create(t);
    await assert.rejects(bench.run({ installRoot: bench.root }), { code: 'bad-input' });
  });
});

describe('a release that is at fault is taken back', () => {
  const failedUnit = 'ActiveState=failed\nSubState=failed\nNRestarts=5\nResult=exit-code\nMainPID=0\n';
  const waits =
    '{"started_at_wall":"STARTED","shipped":0,"waiting":3,"trouble":{"kind":"held","code":"digest-missing"}}';
  for (const [what, behaviour, why] of [
    ['a unit fails', { shipper: failedUnit }, /^cis490-shipper.service has failed \(exit-code\)$/],
    ['a unit never comes up', { shipper: 'ActiveState=activating\nSubState=start\n' }, /is activating$/],
    ['the receiver is not reached by it alone', { ping: 1 }, /^shipper --ping: failed tcp econnrefused: nobody there$/],
    ['no episode is stored', { shipperState: waits }, /^3 episodes wait and none was stored \(digest-missing\)$/],
    ['the shipper says nothing', { shipperState: '' }, /^the shipper has written down nothing/],
    ['its units cannot be put in place', { placeUnits: 1 }, /install-units.sh failed/],
  ] as const) {
    test(what, async (t) => {
      const bench = await UpdateBench.create(t);
      await bench.offer(NEW, 7, behaviour);
      const { report, exitCode } = await bench.run();
      assert.deepEqual([report.result, report.commit, exitCode], ['rolled-back', OLD, 1], bench.log.join('\n'));
      assert.match(report.detail ?? '', why);
      assert.equal(bench.current, OLD);
      const { pending, trial, last, bad, highest_release_number: highest } = bench.state;
      assert.deepEqual([pending, trial, highest], [null, undefined, undefined]);
      assert.deepEqual([last?.result, last?.commit, last?.target], ['rolled-back', OLD, NEW]);
      assert.deepEqual([bad?.[0]?.commit, bad?.[0]?.tries], [NEW, 1]);
      assert.equal(bench.told.filter((line) => line.includes('restart')).length, what.includes('put in place') ? 1 : 2);
      assert.equal(bench.told.at(-1), 'aaaa lab-host');
    });
  }

  test('systemd answers no more', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    const well = programRunner(bench.environment);
    const run: RunProgram = async (command, args) =>
      command === 'systemctl' && args[0] === 'show' && bench.current === NEW
        ? { kind: 'ended', code: 1, stdout: '', stderr: 'Connection timed out' }
        : await well(command, args);
    const { report } = await bench.run({ run });
    assert.equal(report.result, 'rolled-back');
    assert.match(report.detail ?? '', /^cis490-shipper.service cannot be looked at: .*/);
  });

  test('a unit that systemd restarts while it is watched', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    bench.onSleep = (nowMs) => {
      if (nowMs > 20_000) bench.setShipper('ActiveState=active\nSubState=running\nNRestarts=1\nResult=watchdog\n');
    };
    assert.match((await bench.run()).report.detail ?? '', /was restarted by systemd \(watchdog\)$/);
  });

  test('it is tried again after 1 h, 4 h, 16 h and a day; a failed run between them does not hide that', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7, { ping: 1 });
    for (const hours of [1, 4, 16, 24, 24]) {
      assert.equal((await bench.run()).report.result, 'rolled-back');
      bench.nowMs += hours * HOUR_MS - 60_000;
      assert.equal((await bench.run()).report.result, 'left-alone', `before ${hours} h`);
      const { head } = bench;
      bench.head = 500;
      assert.equal((await bench.run()).report.result, 'failed');
      bench.head = head;
      assert.equal(bench.state.last?.result, 'rolled-back');
      bench.nowMs += 60_000;
    }
  });

  test('and at once under a higher number', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7, { ping: 1 });
    await bench.run();
    await bench.offer(NEW, 8);
    rmSync(join(bench.base, 'releases', NEW), { recursive: true });
    assert.equal((await bench.run()).report.result, 'updated');
    assert.deepEqual(bench.state.bad, []);
  });

  test('where the old one does not reach the receiver either, the new one is not blamed', async (t) => {
    const bench = await UpdateBench.create(t);
    rmSync(join(bench.base, 'releases', OLD), { recursive: true });
    bench.place(OLD, { ping: 1 });
    await bench.offer(NEW, 7, { ping: 1 });
    const { report } = await bench.run();
    assert.equal(report.commit, OLD);
    assert.deepEqual([bench.state.last?.result, bench.state.last?.failures], ['failed', 1]);
    bench.nowMs += HOUR_MS;
    await bench.run();
    assert.deepEqual([bench.state.last?.failures, bench.state.bad?.[0]?.tries], [2, 1]);
  });

  test('a roll-back that fails is told, and the next run does it', async (t) => {
    const bench = await UpdateBench.create(t);
    rmSync(join(bench.base, 'releases', OLD), { recursive: true });
    bench.place(OLD, { placeUnits: 1 });
    await bench.offer(NEW, 7, { ping: 1 });
    const { report, exitCode } = await bench.run();
    assert.deepEqual([report.result, exitCode, bench.current], ['failed', 1, OLD]);
    assert.equal(bench.state.pending?.to, NEW);
    rmSync(join(bench.base, 'releases', OLD), { recursive: true });
    bench.place(OLD);
    assert.equal((await bench.run()).report.result, 'rolled-back');
    assert.deepEqual([bench.state.pending, bench.state.last?.result], [null, 'rolled-back']);
  });
});

describe('what is no fault of the release', () => {
  const told = (more: string) => `{"started_at_wall":"STARTED","shipped":0,"waiting":3${more}}`;
  for (const [what, shipperState] of [
    ['the gate refuses what waits', told(',"last_answer":{"status":412,"code":"commit-not-in-window"}')],
    ['the receiver has no room', told(',"last_answer":{"status":507,"code":"disk-full"}')],
    ['a large episode is on its way', told(',"sent_bytes_per_s":1024')],
    ['nothing waits', '{"started_at_wall":"STARTED","waiting":0}'],
  ] as const) {
    test(what, async (t) => {
      const bench = await UpdateBench.create(t);
      await bench.offer(NEW, 7, { shipperState });
      assert.equal((await bench.run()).report.result, 'updated');
    });
  }

  test('a unit that did not run before', async (t) => {
    const bench = await UpdateBench.create(t);
    const inactive = 'ActiveState=inactive\nSubState=dead\nNRestarts=0\nResult=success\n';
    bench.setShipper(inactive);
    await bench.offer(NEW, 7, { shipper: inactive });
    assert.equal((await bench.run()).report.result, 'updated');
  });

  test('a systemd that does not answer for a part of the window', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    const well = programRunner(bench.environment);
    let unanswered = 0;
    const run: RunProgram = async (command, args) => {
      const isBusy = command === 'systemctl' && args[0] === 'show' && bench.current === NEW && unanswered < 3;
      if (!isBusy) return await well(command, args);
      unanswered += 1;
      return { kind: 'ended', code: 1, stdout: '', stderr: 'Failed to get properties: Connection timed out' };
    };
    assert.equal((await bench.run({ run })).report.result, 'updated', bench.log.join('\n'));
    assert.equal(unanswered, 3);
  });

  test('the receiver being away for a part of the window', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7, { more: { 'bin/cis490': { content: pingOnThirdTry(bench), mode: '755' } } });
    assert.equal((await bench.run()).report.result, 'updated');
  });
});

describe('stopped, or left by an earlier run', () => {
  const pending = { from: OLD, to: NEW, boots: 0, ticks: 0, max_ticks: 4 };

  test('SIGTERM while it is watched leaves it on trial; the next run ends it', async (t) => {
    const bench = await UpdateBench.create(t);
    await bench.offer(NEW, 7);
    const stop = new AbortController();
    bench.onSleep = (nowMs) => {
      if (nowMs > 20_000) stop.abort();
    };
    const { report, exitCode } = await bench.run({ stop: stop.signal });
    assert.deepEqual([report.result, exitCode, bench.current], ['stopped', 1, NEW]);
    assert.deepEqual(bench.state.pending, pending);
    assert.equal((await bench.run()).report.result, 'updated');
    assert.deepEqual([bench.state.pending, bench.state.highest_release_number], [null, 7]);
  });

  test('recorded, and the link not changed: it is begun anew', async (t) => {
    const bench = await UpdateBench.create(t);
    writeFileSync(bench.statePath, formatUpdateState({ pending }));
    bench.head = 204;
    assert.equal((await bench.run()).report.result, 'current');
    assert.deepEqual([bench.current, bench.state.pending, bench.told], [OLD, null, []]);
  });

  test('a trial may be begun anew, and does not take the guard’s patience away for ever', async (t) => {
    const bench = await UpdateBench.create(t);
    bench.place(NEW);
    rmSync(join(bench.base, 'current'));
    symlinkSync(`releases/${NEW}`, join(bench.base, 'current'));
    for (const [ticks, max] of [
      [0, 4],
      [3, 7],
      [6, 10],
      [9, 12],
      [11, 12],
    ] as const) {
      writeFileSync(bench.statePath, formatUpdateState({ pending: { ...pending, ticks } }));
      const stop = new AbortController();
      bench.onSleep = () => stop.abort();
      await bench.run({ stop: stop.signal });
      assert.equal(bench.state.pending?.max_ticks, max);
    }
  });

  test('`current` leads to nothing: back to what ran before', async (t) => {
    const bench = await UpdateBench.create(t);
    rmSync(join(bench.base, 'current'));
    symlinkSync(`releases/${NEW}`, join(bench.base, 'current'));
    writeFileSync(bench.statePath, formatUpdateState({ pending }));
    assert.equal((await bench.run()).report.result, 'rolled-back');
    assert.equal(bench.current, OLD);
  });

  test('a release that was put in force by hand meanwhile stays', async (t) => {
    const bench = await UpdateBench.create(t);
    bench.place(NEWER);
    rmSync(join(bench.base, 'current'));
    symlinkSync(`releases/${NEWER}`, join(bench.base, 'current'));
    writeFileSync(bench.statePath, formatUpdateState({ pending }));
    assert.equal((await bench.run()).report.result, 'current');
    assert.deepEqual([bench.current, bench.state.pending], [NEWER, null]);
  });

  test('a state that cannot be understood is kept aside', async (t) => {
    const bench = await UpdateBench.create(t);
    writeFileSync(bench.statePath, '{"pending": {"from"');
    await bench.offer(NEW, 7);
    assert.equal((await bench.run()).report.result, 'updated');
    assert.equal(readFileSync(`${bench.statePath}.bad`, 'utf8'), '{"pending": {"from"');
  });
});

function pingOnThirdTry(bench: UpdateBench): string {
  const marks = join(bench.root, 'pings');
  return `#!/bin/sh
case "$*" in
  *--ping*) echo ping >>${marks}; [ "$(wc -l <${marks})" -ge 3 ] ;;
  *) echo ok ;;
esac
`;
}
