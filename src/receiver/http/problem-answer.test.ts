import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROBLEMS, type ProblemCode } from '../../protocol/problem.ts';
import { problemAnswer } from './problem-answer.ts';

for (const [code, [status]] of Object.entries(PROBLEMS) as [ProblemCode, readonly [number, string]][]) {
  test(`${code} is answered with what its status asks for`, () => {
    const answer = problemAnswer(code, 'why', 'id-1', { stored_sha256: 'x' });
    assert.equal(answer.status, status);
    assert.equal(answer.headers['Content-Type'], 'application/problem+json');
    assert.equal('WWW-Authenticate' in answer.headers, status === 401);
    assert.equal('Retry-After' in answer.headers, [429, 503].includes(status));
    assert.match(answer.headers['Retry-After'] ?? '1', /^[1-9]\d*$/);
    const { type, title, ...rest } = JSON.parse(answer.body);
    assert.deepEqual(rest, { status, code, detail: 'why', request_id: 'id-1', stored_sha256: 'x' });
    assert.ok(type && title);
  });
}
