// npm start as a person sees it: the whole path told line by line, a clean end, and a second start that goes on.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('all-in-one records, gates, ships and stores; refuses one stale episode once; goes on where it was', async (t) => {
  const directory = join(temporaryDirectory(t), 'state');
  const store = join(directory, 'store');
  const start = () => {
    const program = Program.cis490(['all-in-one', '--dir', directory, '--port', '0']);
    t.after(() => program.kill());
    return program;
  };

  const first = start();
  await first.printed(/stored .*row 1 of the ledger/);
  assert.match(first.stdout, /^dashboard {2}http:\/\/127\.0\.0\.1:\d+\/\n/);
  assert.match(first.stdout, /receiver {3}http:\/\/127\.0\.0\.1:\d+\n/);
  assert.match(first.stdout, /refused .*412 commit-not-in-window.*\n +git -C \/.* pull\n +npm start\n/);
  const telemetry = first.stdout.split('\n').filter((line) => / telemetry-/.test(line));
  assert.deepEqual(
    telemetry.slice(0, 4).map((line) => line.split(/ +/)[1]),
    ['recorded', 'packed', 'gated', 'stored'],
  );
  const command = /bin\/cis490 episode show "\$\(ls -t (.*)\/episodes\/this-machine/.exec(first.stdout);
  assert.equal(command?.[1], store);
  first.signal('SIGINT');
  assert.deepEqual(await first.ended, { code: 0, signal: null });
  assert.match(
    first.stdout,
    /Stopped\. \d+ recorded, \d+ stored, 1 refused(?:, \d+ to be shipped by the next start)?; the next start goes on from here\.\n$/,
  );
  assert.equal(namesIn(join(directory, 'data/quarantine')).length, 1);
  assert.deepEqual(namesIn(join(directory, 'data/recording')), ['abandoned']);

  const rows = readRows(store).length;
  const waiting = namesIn(join(directory, 'data/episodes')).length;
  const second = start();
  await second.printed(new RegExp(`row ${rows + waiting + 1} of the ledger`));
  assert.doesNotMatch(second.stdout, /refused/);
  second.signal('SIGTERM');
  assert.deepEqual(await second.ended, { code: 0, signal: null });
  const meta = JSON.parse(readFileSync(join(directory, 'code/VERSION'), 'utf8'));
  for (const row of readRows(store)) assert.equal(row.commit, meta.commit);
});

test('a program that dies ends the run, and says so; a second run on the same directory is told apart', async (t) => {
  const directory = join(temporaryDirectory(t), 'state');
  const run = Program.cis490(['all-in-one', '--dir', directory, '--port', '0']);
  t.after(() => run.kill());
  await run.printed(/refused/);
  const second = Program.cis490(['all-in-one', '--dir', directory, '--port', '0']);
  assert.equal((await second.ended).code, 1);
  assert.match(second.stderr, /another all-in-one already works on/);
  await run.printed(/recorded .* telemetry-/);
  process.kill(childRunning(run.child.pid ?? 0, 'receiver'), 'SIGKILL');
  assert.equal((await run.ended).code, 1);
  assert.match(run.stdout, /the receiver ended by itself \(exit -1\); stopping the others\n/);
});

for (const [name, end] of Object.entries({
  'its output is no longer read': (run: Program) => run.child.stdout?.destroy(),
  'it is killed': (run: Program) => run.signal('SIGKILL'),
})) {
  test(`when ${name}, none of its programs stays behind`, async (t) => {
    if (!hasSystemPart(t, ['setpriv', '--version'], 'util-linux')) return;
    const directory = join(temporaryDirectory(t), 'state');
    const run = Program.cis490(['all-in-one', '--dir', directory, '--port', '0']);
    t.after(() => run.kill());
    await run.printed(/recorded .* telemetry-/);
    const programs = ['receiver', 'orchestrator', 'shipper'].map((program) =>
      childRunning(run.child.pid ?? 0, program),
    );
    end(run);
    const { code, signal } = await run.ended;
    assert.ok(signal === 'SIGKILL' || code === 0, `exit ${code}: ${run.stderr}`);
    const isRunning = (pid: number) =>
      existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    await eventually(() => !programs.some(isRunning), 'its programs have ended');
    const next = Program.cis490(['all-in-one', '--dir', directory, '--port', '0']);
    t.after(() => next.kill());
    await next.printed(/stored .*of the ledger/);
    next.signal('SIGINT');
    assert.equal((await next.ended).code, 0);
  });
}

/** The process id of the child of `parent` that runs a program of ours. */
function childRunning(parent: number, program: string): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number);
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(program));
  if (!found) throw new Error(`no child runs ${program}`);
  return found;
}
