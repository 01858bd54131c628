import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { commitOf, recordingLogger, TestClock } from './gate.fixture.ts';
import { type GateFileState, GateFileWriter, readGateFile } from './gate-file.ts';

const OF = { repository: 'https://git.example.org/api/v1/repos/lab/recorder', branch: 'main' };

const stateOf = (n: number): GateFileState => ({
  commits: [commitOf(n)],
  learned_from: 'forgejo',
  added_commits: [commitOf(9)],
  source: 'forgejo',
  refreshed_at_wall: '2026-05-01T12:00:00.000000+00:00',
  last_error: null,
});

function open(t: TestContext) {
  const root = temporaryDirectory(t);
  const path = join(root, 'store', 'gate.json');
  mkdirSync(join(root, 'store'));
  const clock = new TestClock();
  const { logger, log } = recordingLogger(clock);
  return { root, path, clock, log, writer: new GateFileWriter({ path, ...OF, clock, logger }) };
}

test('what is written is read back, by its owner and others', async (t) => {
  const { path, writer } = open(t);
  assert.equal(readGateFile(path, OF), undefined);
  writer.note(true, () => stateOf(1));
  await writer.settled();
  assert.deepEqual(readGateFile(path, OF), { format_version: 1, ...OF, ...stateOf(1) });
  assert.equal(statSync(path).mode & 0o777, 0o644);
});

test('news is written at once, the rest once a minute', async (t) => {
  const { path, clock, writer } = open(t);
  const noted = async (isNews: boolean, n: number) => {
    writer.note(isNews, () => stateOf(n));
    await writer.settled();
    return readGateFile(path, OF)?.commits[0];
  };
  assert.equal(await noted(false, 1), commitOf(1));
  clock.advance(59_999);
  assert.equal(await noted(false, 2), commitOf(1));
  assert.equal(await noted(true, 3), commitOf(3));
  clock.advance(1);
  assert.equal(await noted(false, 4), commitOf(3));
  clock.advance(59_999);
  assert.equal(await noted(false, 5), commitOf(5));
});

test('one write at a time, and the last word stands', async (t) => {
  const { path, writer } = open(t);
  for (let n = 1; n <= 50; n += 1) writer.note(true, () => stateOf(n));
  await writer.settled();
  assert.deepEqual(readGateFile(path, OF)?.commits, [commitOf(50)]);
  assert.deepEqual(readdirSync(join(path, '..')), ['gate.json']);
});

test('a failure to write is one warning and nothing else', async (t) => {
  const { root, path, log, writer } = open(t);
  // A directory of that name cannot be replaced by a file.
  mkdirSync(join(path, 'in-the-way'), { recursive: true });
  for (let n = 0; n < 3; n += 1) {
    writer.note(true, () => stateOf(n));
    await writer.settled();
  }
  assert.deepEqual(log, ['WARNING version gate: what it knows cannot be kept for a restart']);
  assert.deepEqual(readdirSync(join(root, 'store')), ['gate.json']);
});

describe('left aside', () => {
  const whole = JSON.stringify({ format_version: 1, ...OF, ...stateOf(1) });
  for (const [title, text, reason] of [
    ['empty', '', /not whole JSON/],
    ['torn', whole.slice(0, -5), /not whole JSON/],
    ['of another repository', whole.replace('recorder', 'other'), /is of branch main of .*other/],
    ['of another branch', whole.replace('"main"', '"next"'), /is of branch next/],
    ['of a later release', whole.replace('"format_version":1', '"format_version":2'), /later release wrote it/],
    ['foreign', '{"commits":["main"]}', /is no gate.json/],
    ['a list', '[]', /is no gate.json/],
    ['with a bad commit', whole.replace(commitOf(1), 'main'), /is no gate.json/],
  ] as const) {
    test(title, (t) => {
      const { path } = open(t);
      writeFileSync(path, text);
      assert.throws(() => readGateFile(path, OF), { code: 'bad-gate-file', message: reason });
      assert.equal(readFileSync(path, 'utf8'), text);
    });
  }

  test('what a later writer has added is no reason', (t) => {
    const { path } = open(t);
    writeFileSync(path, whole.replace('{', '{"more":true,'));
    assert.deepEqual(readGateFile(path, OF)?.commits, [commitOf(1)]);
  });
});
