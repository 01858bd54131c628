import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { openControl } from '../../storage/open-storage.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';
import { describeGateStatus } from './describe-gate-status.ts';
import { branchOf, commitOf, recordingLogger, TestClock } from './gate.fixture.ts';
import { GateFileWriter } from './gate-file.ts';
import { allowCommit, blockCommit, type GateDesk, readGateStatus, unblockCommit } from './manage-gate.ts';

const KNOWN = `abcdef${'1'.repeat(34)}`;
const TWIN = `abcdef${'1'.repeat(33)}2`;
const CONFIGURED = commitOf(8);
const GIT_GATE = `local_repo_path = "/srv/git/recorder.git"\nwindow = 3\nblocked_commits = ["${CONFIGURED}"]\n`;

async function open(t: TestContext, gate = GIT_GATE): Promise<GateDesk> {
  const root = temporaryDirectory(t);
  const file = join(root, 'receiver.toml');
  writeFileSync(file, `[store]\nroot = "${root}"\n[version_gate]\n${gate}`);
  const { config } = loadConfig(receiverConfigDefinition, file);
  const control = await openControl(root);
  t.after(() => control.close());
  return { config: config.version_gate, storeRoot: root, control, clock: new TestClock(), by: 'ada' };
}

async function learn({ storeRoot, clock }: GateDesk, lastError: string | null = null): Promise<void> {
  const { logger } = recordingLogger(clock);
  const path = join(storeRoot, 'gate.json');
  const writer = new GateFileWriter({ path, repository: '/srv/git/recorder.git', branch: 'main', clock, logger });
  writer.note(true, () => ({
    commits: [KNOWN, ...branchOf('git', 1).commits],
    learned_from: 'git',
    added_commits: [TWIN],
    source: lastError ? 'last-known-good' : 'git',
    refreshed_at_wall: clock.wallTime(),
    last_error: lastError,
  }));
  await writer.settled();
}

const FULL = commitOf(5);

describe('allow', () => {
  for (const [forText, until] of [
    ['2h', '14:00:00'],
    ['30 min', '12:30:00'],
    ['90 s', '12:01:30'],
  ] as const) {
    test(`for ${forText}`, async (t) => {
      const desk = await open(t);
      const whole = `2026-05-01T${until}.000000+00:00`;
      const done = await allowCommit(desk, { commit: FULL.toUpperCase(), forText, why: ' hotfix ' });
      assert.deepEqual(done, { commit: FULL, until: whole, isBlockedAfter: false });
      assert.deepEqual(await desk.control.findGateOverrides(FULL), [
        { kind: 'allowed', commit: FULL, until: whole, why: 'hotfix', by: 'ada' },
      ]);
    });
  }

  for (const forText of ['', 'soon', '2', '0 s', '-2h', '2 weeks', '4000 days', '1h30']) {
    test(`not for ${JSON.stringify(forText)}`, async (t) => {
      const desk = await open(t);
      await assert.rejects(allowCommit(desk, { commit: FULL, forText, why: 'w' }), {
        code: 'bad-input',
        hint: /"2h", "30 min" or "3 days"/,
      });
      assert.deepEqual(await desk.control.listGateOverrides(), []);
    });
  }

  for (const why of ['', '  ', 'two\nlines', 'bell\u0007', 'x'.repeat(501)]) {
    test(`not without a reason: ${JSON.stringify(why).slice(0, 20)}`, async (t) => {
      const desk = await open(t);
      await assert.rejects(allowCommit(desk, { commit: FULL, forText: '2h', why }), { code: 'bad-input' });
      await assert.rejects(blockCommit(desk, { commit: FULL, why }), { code: 'bad-input' });
    });
  }

  test('says that a commit is blocked again after it', async (t) => {
    const desk = await open(t);
    assert.equal((await allowCommit(desk, { commit: CONFIGURED, forText: '2h', why: 'w' })).isBlockedAfter, true);
    await blockCommit(desk, { commit: FULL, why: 'w' });
    assert.equal((await allowCommit(desk, { commit: FULL, forText: '2h', why: 'w' })).isBlockedAfter, true);
  });
});

test('block ends an allowance; unblock takes the block back', async (t) => {
  const desk = await open(t);
  await allowCommit(desk, { commit: FULL, forText: '2h', why: 'w' });
  assert.deepEqual(await blockCommit(desk, { commit: FULL, why: 'torn frames' }), { commit: FULL, wasAllowed: true });
  assert.deepEqual(await desk.control.findGateOverrides(FULL), [
    { kind: 'blocked', commit: FULL, why: 'torn frames', by: 'ada' },
  ]);
  // What was decided is known by its abbreviation too.
  assert.deepEqual(await unblockCommit(desk, FULL), { commit: FULL });
  assert.deepEqual(await desk.control.listGateOverrides(), []);
  await assert.rejects(unblockCommit(desk, FULL), { code: 'not-blocked', message: `${FULL} was not blocked` });
  await assert.rejects(unblockCommit(desk, CONFIGURED), { code: 'not-blocked', message: /blocked_commits names it/ });
});

describe('an abbreviation', () => {
  test('of one known commit stands for it', async (t) => {
    const desk = await open(t);
    await learn(desk);
    for (const [text, commit] of [
      [KNOWN.slice(0, -1).toUpperCase(), undefined],
      [KNOWN, KNOWN],
      [commitOf(1).slice(0, 39), undefined],
      [TWIN, TWIN],
    ] as const) {
      const done = blockCommit(desk, { commit: text, why: 'w' });
      if (commit) assert.equal((await done).commit, commit);
      else await assert.rejects(done, { code: 'bad-input', message: /^2 of the commits known here begin/ });
    }
  });

  test('of a single match, from gate.json, the configuration and earlier decisions', async (t) => {
    const desk = await open(t, `commits = ["${KNOWN}"]\nblocked_commits = ["${'b'.repeat(40)}"]\n`);
    await blockCommit(desk, { commit: 'c'.repeat(64), why: 'w' });
    for (const [text, commit] of [
      ['abcdef1', KNOWN],
      ['bbbbbbb', 'b'.repeat(40)],
      ['ccccccc', 'c'.repeat(64)],
    ] as const) {
      assert.equal((await blockCommit(desk, { commit: text, why: 'w' })).commit, commit);
    }
  });

  for (const [text, message] of [
    ['abcdef', /is no commit/],
    ['main', /is no commit/],
    ['', /is no commit/],
    ['abcdef%', /is no commit/],
    ['1234567', /no commit that is known here begins with 1234567/],
  ] as const) {
    test(`${JSON.stringify(text)} is refused`, async (t) => {
      const desk = await open(t);
      await learn(desk);
      await assert.rejects(blockCommit(desk, { commit: text, why: 'w' }), { code: 'bad-input', message });
    });
  }
});

describe('status', () => {
  test('is what the receiver wrote down and what was decided', async (t) => {
    const desk = await open(t);
    await learn(desk, 'refused');
    await allowCommit(desk, { commit: FULL, forText: '2h', why: 'hotfix' });
    assert.deepEqual(await readGateStatus(desk), {
      enabled: true,
      head: KNOWN,
      window: 3,
      source: 'last-known-good',
      refreshedAt: '2026-05-01T12:00:00.000000+00:00',
      lastError: 'refused',
      allowed: [{ commit: FULL, until: '2026-05-01T14:00:00.000000+00:00', why: 'hotfix', by: 'ada' }],
      blocked: [{ commit: CONFIGURED, why: 'named in blocked_commits', by: 'configuration' }],
    });
  });

  test('before a receiver ran, and with a torn file', async (t) => {
    const desk = await open(t);
    const { head, source, lastError } = await readGateStatus(desk);
    assert.deepEqual([head, source], [null, null]);
    assert.match(lastError ?? '', /no receiver has written .*gate\.json yet/);
    writeFileSync(join(desk.storeRoot, 'gate.json'), '{"commits":');
    assert.match((await readGateStatus(desk)).lastError ?? '', /gate\.json is left aside: it is not whole JSON/);
  });

  test('of a static list needs no file', async (t) => {
    const status = await readGateStatus(await open(t, `commits = ["${KNOWN}", "${TWIN}"]\n`));
    assert.deepEqual([status.head, status.window, status.source, status.lastError], [KNOWN, 2, 'static', null]);
  });

  test('of a gate that is off', async (t) => {
    assert.equal((await readGateStatus(await open(t, 'enabled = false\n'))).enabled, false);
  });

  test('as lines for a person', () => {
    const status = {
      enabled: true,
      head: KNOWN,
      window: 100,
      source: 'git-fallback',
      refreshedAt: '2026-05-01T09:57:00.000000+00:00',
      lastError: 'https://git.example.org: answered \u001b[31m500',
      allowed: [{ commit: FULL, until: '2026-05-04T12:00:00.000000+00:00', why: 'hotfix', by: 'ada' }],
      blocked: [{ commit: TWIN, why: 'torn frames', by: 'bob' }],
    };
    assert.equal(
      describeGateStatus(status, '2026-05-01T12:00:30.000000+00:00'),
      `gate       on
head       ${KNOWN}
window     the last 100 commits
source     git-fallback
refreshed  2 h 3 min ago (2026-05-01T09:57:00.000000+00:00)
last error https://git.example.org: answered ?[31m500
allowed    ${FULL} for 2 days 23 h more, by ada: hotfix
blocked    ${TWIN} by bob: torn frames
`,
    );
    const bare = { ...status, head: null, source: null, refreshedAt: null, lastError: null, allowed: [], blocked: [] };
    assert.match(
      describeGateStatus(bare, '2026-05-01T12:00:00.000000+00:00'),
      /refreshed {2}never\nlast error none\n$/,
    );
  });
});
