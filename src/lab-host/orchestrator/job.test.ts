import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJob } from './job.ts';

test('a job in full, and what it need not say', () => {
  const content = { workload: 'w', id: 'grasp 7', args: ['--x', ''], env: { A: '1' }, operator: 'ada', more: [{}] };
  assert.deepEqual(parseJob('a.json', JSON.stringify(content)), {
    kind: 'job',
    job: { workload: 'w', id: 'grasp 7', args: ['--x', ''], env: { A: '1' }, content },
  });
  assert.deepEqual(parseJob('a.b.json', '{"workload":"w"}'), {
    kind: 'job',
    job: { workload: 'w', id: 'a.b', args: [], env: {}, content: { workload: 'w' } },
  });
});

const malformed: [text: string, reason: RegExp, isObject: boolean][] = [
  ['', /^it is no JSON: /, false],
  ['{"workload":"w"', /^it is no JSON: /, false],
  ['[{"workload":"w"}]', /^it is no JSON object$/, false],
  ['null', /^it is no JSON object$/, false],
  ['{}', /^workload: /, true],
  ['{"workload":"../w"}', /^workload: must be the name of a workload$/, true],
  ['{"workload":"w","id":""}', /^id: must be 1 to 200/, true],
  ['{"workload":"w","id":"a\\nb"}', /^id: /, true],
  ['{"workload":"w","args":"--x"}', /^args: /, true],
  ['{"workload":"w","args":["a\\u0000"]}', /^args\.0: must not contain a NUL/, true],
  ['{"workload":"w","env":{"A=B":"1"}}', /^env\.A=B: /, true],
  ['{"workload":"w","env":{"A":1},"args":[1]}', /^args\.0: .*; env\.A: /, true],
];
for (const [text, reason, isObject] of malformed) {
  test(`no job: ${JSON.stringify(text)}`, () => {
    const parsed = parseJob('a.json', text);
    assert.ok(parsed.kind === 'malformed');
    assert.match(parsed.reason, reason);
    assert.deepEqual(parsed.content, isObject ? JSON.parse(text) : undefined);
  });
}
