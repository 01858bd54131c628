import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeProblem, PROBLEMS, type ProblemCode } from '../../protocol/problem.ts';
import { classifyAnswer, type ReceiverAnswer, type SentEpisode, type Verdict } from './classify-answer.ts';

const SHA = 'ab'.repeat(32);
const SENT: SentEpisode = { hostId: 'lab-07', episodeId: 'e-1', sha256: SHA };

function judge(status: number, body: unknown, more: Partial<ReceiverAnswer> = {}): Verdict {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return classifyAnswer({ status, body: text, contentType: 'application/json', retryAfterS: undefined, ...more }, SENT);
}

describe('by the code of the problem', () => {
  const expected: Record<ProblemCode, Verdict['kind']> = {
    'bad-host-id': 'fatal',
    'bad-episode-id': 'fatal',
    'bad-suffix': 'fatal',
    'commit-missing': 'fatal',
    'commit-malformed': 'fatal',
    'commit-not-in-window': 'fatal',
    'commit-blocked': 'fatal',
    'dirty-refused': 'fatal',
    conflict: 'fatal',
    retracted: 'fatal',
    'too-large': 'fatal',
    'digest-mismatch': 'damaged',
    'bad-request': 'held',
    'bad-target': 'held',
    'bad-query': 'held',
    'bad-body': 'held',
    gone: 'held',
    'range-not-satisfiable': 'held',
    'headers-too-large': 'held',
    'digest-missing': 'held',
    'digest-malformed': 'held',
    'content-range-refused': 'held',
    'credential-missing': 'held',
    'credential-invalid': 'held',
    forbidden: 'held',
    'not-found': 'held',
    'method-not-allowed': 'held',
    'encoding-refused': 'held',
    'expectation-failed': 'held',
    'request-timeout': 'transient',
    'internal-error': 'transient',
    'file-missing': 'transient',
    'not-ready': 'transient',
    'database-busy': 'transient',
    'too-many-followers': 'transient',
    'gate-unknown': 'transient',
    'gate-stale': 'transient',
    'sync-failed': 'transient',
    stopping: 'transient',
    'disk-reserve': 'transient',
    'disk-full': 'transient',
    'tus-request-malformed': 'transient',
    'tus-version-unsupported': 'transient',
    'upload-not-found': 'transient',
    'upload-offset-mismatch': 'transient',
    'upload-expired': 'transient',
    'too-many-uploads': 'transient',
  };
  test('each has its treatment', () => assert.deepEqual(Object.keys(expected).sort(), Object.keys(PROBLEMS).sort()));
  for (const [code, kind] of Object.entries(expected) as [ProblemCode, Verdict['kind']][]) {
    const problem = makeProblem(code, 'why', 'r', { remediation: 'a\nb', head_commit: 'h' });
    const refused = { status: problem.status, code, detail: 'why', remediation: 'a\nb', headCommit: 'h' };
    test(`${code} is ${kind}`, () => {
      const retry = kind === 'transient' ? { retryAfterS: 7 } : {};
      assert.deepEqual(judge(problem.status, problem, { retryAfterS: 7 }), { kind, ...refused, ...retry });
    });
    test(`${code} is ${kind} whatever the status`, () => {
      for (const status of [400, 404, 412, 429, 500]) assert.equal(judge(status, problem).kind, kind);
    });
  }
});

describe('by status, for the older receiver: JSON with a detail and no code', () => {
  for (const [status, kind] of [
    [400, 'fatal'],
    [401, 'held'],
    [403, 'held'],
    [404, 'held'],
    [405, 'held'],
    [408, 'transient'],
    [409, 'fatal'],
    [412, 'fatal'],
    [413, 'fatal'],
    [415, 'held'],
    [422, 'held'],
    [425, 'transient'],
    [429, 'transient'],
    [500, 'transient'],
    [502, 'transient'],
    [503, 'transient'],
    [504, 'transient'],
    [507, 'transient'],
  ] as const) {
    test(`${status} is ${kind}`, () => {
      const verdict = judge(status, { detail: 'why' }, { retryAfterS: 3 });
      const retry = kind === 'transient' ? { retryAfterS: 3 } : {};
      const refused = { status, code: `http-${status}`, detail: 'why', remediation: undefined, headCommit: undefined };
      assert.deepEqual(verdict, { kind, ...refused, ...retry });
    });
  }
});

describe('answers that are not a receiver’s condemn no episode', () => {
  const page = '<html><body>400 Bad Request</body></html>';
  for (const status of [400, 409, 412, 413]) {
    for (const [what, body] of [
      ['a page', page],
      ['nothing', ''],
      ['JSON without a detail', { error: 'x' }],
      ['a list', [{ detail: 'x' }]],
      ['a text in JSON', '"detail"'],
      ['null', 'null'],
      ['a code that is unknown here', { code: 'of-tomorrow', detail: 'x' }],
      ['a code that every object has', { code: 'constructor', detail: 'x' }],
    ] satisfies [string, unknown][]) {
      test(`${status} with ${what} is held`, () => assert.equal(judge(status, body).kind, 'held'));
    }
  }
  for (const [status, kind] of [
    [204, 'held'],
    [202, 'held'],
    [301, 'held'],
    [307, 'held'],
    [404, 'held'],
    [418, 'held'],
    [431, 'held'],
    [502, 'transient'],
    [0, 'held'],
  ] as const) {
    test(`${status} with a page is ${kind}`, () =>
      assert.equal(judge(status, page, { contentType: 'text/html' }).kind, kind));
  }
  test('an unknown code of a receiver that has trouble is tried again', () => {
    assert.deepEqual(judge(503, { code: 'of-tomorrow', detail: 'x' }, { retryAfterS: 1 }), {
      kind: 'transient',
      status: 503,
      code: 'of-tomorrow',
      detail: 'x',
      remediation: undefined,
      headCommit: undefined,
      retryAfterS: 1,
    });
  });
  test('of a page the beginning is told', () => {
    const verdict = judge(404, ` ${'x'.repeat(1_000)}`);
    assert.equal('detail' in verdict ? verdict.detail : '', 'x'.repeat(499));
  });
  test('of a long detail the beginning is told', () => {
    for (const [length, told] of [
      [500, 500],
      [501, 500],
      [200_000, 500],
    ] as const) {
      const verdict = judge(412, { code: 'commit-blocked', detail: 'x'.repeat(length) });
      assert.equal('detail' in verdict ? verdict.detail : '', 'x'.repeat(told));
    }
  });
  test('members of other types are as good as absent', () => {
    const verdict = judge(412, { code: 'commit-blocked', detail: ['x'], remediation: 1, head_commit: {} });
    assert.equal(verdict.kind, 'fatal');
    assert.ok('remediation' in verdict && verdict.remediation === undefined && verdict.headCommit === undefined);
    assert.equal(verdict.code, 'commit-blocked');
  });
});

describe('success', () => {
  const ours = { status: 'stored', host_id: 'lab-07', episode_id: 'e-1', sha256: SHA, seq: 7 };
  const upperCase = { sha256: SHA.toUpperCase() };
  for (const [title, status, body, verdict] of [
    ['201', 201, ours, { kind: 'shipped', answer: ours }],
    ['200', 200, ours, { kind: 'duplicate', answer: ours }],
    ["the older receiver's, which names no digest", 201, { ok: true }, { kind: 'shipped', answer: { ok: true } }],
    ['the digest in upper case', 201, upperCase, { kind: 'shipped', answer: upperCase }],
    ['a body that is no JSON', 201, 'stored', { kind: 'shipped', answer: { answer: 'stored' } }],
    ['a body that is no object', 200, '[1]', { kind: 'duplicate', answer: { answer: '[1]' } }],
    ['no body', 200, '', { kind: 'duplicate', answer: { answer: '' } }],
  ] satisfies [string, number, unknown, Verdict][]) {
    test(title, () => assert.deepEqual(judge(status, body, { contentType: '' }), verdict));
  }
  for (const status of [200, 201]) {
    for (const [title, body, contentType] of [
      ['another digest', { ...ours, sha256: 'cd'.repeat(32) }, 'application/json'],
      ['a digest that is none', { ...ours, sha256: null }, 'application/json'],
      ['another host', { ...ours, host_id: 'lab-08' }, 'application/json'],
      ['a host that is none', { ...ours, host_id: null }, 'application/json'],
      ['another episode', { ...ours, episode_id: 'e-2' }, 'application/json'],
      ['another episode and no digest', { episode_id: 'e-2' }, 'application/json'],
      ['a login page', '<html>Log in', 'text/html; charset=utf-8'],
      ['a page that calls itself JSON', '<html>Log in', 'application/json'],
      ['a page without a type, after white space', '\r\n  <!DOCTYPE html>', ''],
      ['a page without a tag', 'Log in', 'text/html'],
      ['XML', '<?xml version="1.0"?><ok/>', 'application/xml'],
      ['a login page in capitals', '<html>Log in', 'Text/HTML'],
    ] satisfies [string, unknown, string][]) {
      test(`${status} with ${title} retires nothing`, () => {
        const verdict = judge(status, body, { contentType });
        assert.equal(verdict.kind, 'held');
        assert.ok('code' in verdict && verdict.code === 'unexpected-answer' && verdict.status === status);
        assert.match(verdict.detail, /not the receiver's for this episode/);
      });
    }
  }
});
