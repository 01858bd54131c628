import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeProblem, PROBLEMS, type ProblemCode, receivedProblemSchema } from './problem.ts';

const CODES = Object.keys(PROBLEMS) as ProblemCode[];

describe('each problem', () => {
  for (const code of CODES) {
    test(code, () => {
      const problem = makeProblem(code, 'what happened', 'id-1');
      assert.match(code, /^[a-z]+(?:-[a-z]+)*$/);
      assert.ok(Number.isInteger(problem.status) && problem.status >= 400 && problem.status <= 599);
      assert.match(problem.title, /^[A-Z].*[^.]$/);
      assert.deepEqual(problem, {
        type: `urn:cis490:problem:${code}`,
        title: PROBLEMS[code][1],
        status: PROBLEMS[code][0],
        detail: 'what happened',
        code,
        request_id: 'id-1',
      });
      assert.equal(new URL(problem.type).protocol, 'urn:');
    });
  }
  test('has a title of its own', () => {
    assert.equal(new Set(Object.values(PROBLEMS).map(([, title]) => title)).size, CODES.length);
  });
});

describe('the statuses of the contract', () => {
  const expected: Record<number, string[]> = {
    400: [
      'bad-request',
      'bad-host-id',
      'bad-episode-id',
      'bad-suffix',
      'commit-missing',
      'commit-malformed',
      'digest-missing',
      'digest-malformed',
      'digest-mismatch',
      'content-range-refused',
    ],
    401: ['credential-missing', 'credential-invalid'],
    403: ['forbidden'],
    408: ['request-timeout'],
    409: ['conflict'],
    412: ['commit-not-in-window', 'commit-blocked', 'dirty-refused'],
    413: ['too-large'],
    415: ['encoding-refused'],
    431: ['headers-too-large'],
    503: ['gate-unknown', 'gate-stale', 'sync-failed'],
    507: ['disk-reserve', 'disk-full'],
  };
  for (const [status, codes] of Object.entries(expected)) {
    for (const code of codes) {
      test(`${code} is ${status}`, () =>
        assert.equal(Object.entries(PROBLEMS).find(([name]) => name === code)?.[1][0], Number(status)));
    }
  }
});

test('extras stand beside the standard members', () => {
  const extras = { remediation: 'a\nb', your_commit: null, head_commit: 'c', head_distance: 3, stored_sha256: 'd' };
  const problem = makeProblem('commit-not-in-window', 'x', 'id-1', extras);
  assert.deepEqual({ ...problem, ...extras }, problem);
  assert.equal(problem.status, 412);
});

describe('a received problem', () => {
  for (const [title, body, read] of [
    [
      'ours',
      makeProblem('conflict', 'd', 'r', { head_commit: 'h', remediation: 'c' }),
      { code: 'conflict', detail: 'd', remediation: 'c', head_commit: 'h' },
    ],
    ["the older receiver's", { detail: 'no such host' }, { detail: 'no such host' }],
    [
      'of other types',
      { code: 1, detail: ['x'], remediation: {}, head_commit: false },
      { code: undefined, detail: undefined, remediation: undefined, head_commit: undefined },
    ],
    ['without a head', { head_commit: null }, { head_commit: null }],
    ['empty', {}, {}],
  ] satisfies [string, object, object][]) {
    test(title, () => assert.deepEqual(receivedProblemSchema.parse(body), read));
  }
});
