import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { GateMemory } from './gate-memory.ts';

const STALE = { commit: 'b'.repeat(40), dirty: false };
const NEVER = new AbortController().signal;

let nowMs: number;
let asked: string[];
let answer: () => ReceiverAnswer | Promise<ReceiverAnswer>;
let memory: GateMemory;

const json = (status: number, body: unknown): ReceiverAnswer => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify(body),
  retryAfterS: undefined,
});
const refusedAnswer = () =>
  json(200, { verdict: 'refused', code: 'commit-not-in-window', head_commit: 'a'.repeat(40), remediation: 'git pull' });

beforeEach(() => {
  nowMs = 0;
  asked = [];
  answer = refusedAnswer;
  const transport = {
    put: () => assert.fail('an episode was sent'),
    ask: async (_method: string, path: string) => {
      asked.push(path);
      return await answer();
    },
    close: () => undefined,
  };
  const clock = { wallTime: () => '', monotonicMs: () => nowMs, sleep: () => Promise.resolve() };
  memory = new GateMemory(transport as never, clock);
});

test('what was never refused is not asked about', async () => {
  assert.equal(await memory.refusalOf(STALE, NEVER), undefined);
  assert.deepEqual(asked, []);
});

test('thousands of one refused commit cost one question a minute', async () => {
  memory.refused(STALE);
  for (let times = 0; times < 4_465; times += 1) {
    const refusal = await memory.refusalOf(STALE, NEVER);
    assert.deepEqual(
      [refusal?.status, refusal?.code, refusal?.remediation, refusal?.headCommit],
      [0, 'commit-not-in-window', 'git pull', 'a'.repeat(40)],
    );
  }
  assert.deepEqual(asked, [`/v1/version-gate?commit=${STALE.commit}`]);
  nowMs = 60_000;
  await memory.refusalOf(STALE, NEVER);
  assert.equal(asked.length, 2);
});

test('once episodes came back from quarantine, it asks anew, and only then', async () => {
  memory.refused(STALE);
  memory.returnsSoFar(100);
  await memory.refusalOf(STALE, NEVER);
  memory.returnsSoFar(100);
  await memory.refusalOf(STALE, NEVER);
  assert.equal(asked.length, 1);
  answer = () => json(200, { verdict: 'accepted', head_commit: 'a'.repeat(40) });
  memory.returnsSoFar(250);
  assert.equal(await memory.refusalOf(STALE, NEVER), undefined);
  assert.equal(asked.length, 2);
});

test('several at once share one question', async () => {
  memory.refused(STALE);
  const all = await Promise.all(Array.from({ length: 8 }, () => memory.refusalOf(STALE, NEVER)));
  assert.equal(all.filter(Boolean).length, 8);
  assert.equal(asked.length, 1);
});

test('an unstamped and a modified tree are questions of their own', async () => {
  const unstamped = { commit: undefined, dirty: false };
  const dirty = { ...STALE, dirty: true };
  memory.refused(unstamped);
  memory.refused(dirty);
  assert.equal(await memory.refusalOf(STALE, NEVER), undefined);
  await memory.refusalOf(unstamped, NEVER);
  await memory.refusalOf(dirty, NEVER);
  assert.deepEqual(asked, ['/v1/version-gate?commit=', `/v1/version-gate?commit=${STALE.commit}&dirty=1`]);
});

const others: [title: string, answer: () => ReceiverAnswer][] = [
  ['accepted', () => json(200, { verdict: 'accepted' })],
  ['unknown', () => json(200, { verdict: 'unknown', code: 'gate-stale' })],
  ["refused for what is not the gate's", () => json(200, { verdict: 'refused', code: 'forbidden' })],
  ['a login page', () => ({ ...json(200, ''), body: '<html>' })],
  ['an error', () => json(503, { code: 'gate-unknown' })],
  [
    'nothing at all',
    () => {
      throw new Error('ECONNREFUSED');
    },
  ],
];
for (const [title, given] of others) {
  test(`${title}: the episode is sent`, async () => {
    memory.refused(STALE);
    answer = given;
    assert.equal(await memory.refusalOf(STALE, NEVER), undefined);
    assert.equal(await memory.refusalOf(STALE, NEVER), undefined);
    assert.equal(asked.length, 1, 'until a PUT is refused again');
    memory.refused(STALE);
    answer = refusedAnswer;
    assert.ok(await memory.refusalOf(STALE, NEVER));
  });
}

test('an older receiver, which does not know the question, is asked once an hour at most', async () => {
  answer = () => json(404, {});
  for (let times = 0; times < 100; times += 1) {
    memory.refused(STALE);
    assert.equal(await memory.refusalOf(STALE, NEVER), undefined);
  }
  assert.equal(asked.length, 1);
  nowMs = 3_600_000;
  answer = refusedAnswer;
  assert.ok(await memory.refusalOf(STALE, NEVER));
});
