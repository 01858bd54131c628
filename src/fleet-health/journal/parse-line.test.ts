// What each line of a journal counts as.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JournalFact, parseJournalLine } from './parse-line.ts';

const ID = '0'.repeat(8);
const unstamped = (hostId: string): JournalFact => ({
  hostId,
  rejection: { isUnstamped: true, code: 'commit-missing' },
});

const LINES: Array<[line: string, fact: JournalFact | undefined]> = [
  [
    `INFO:     10.0.0.1:51234 - "PUT /v1/episodes/lab-1/${ID}.tar.zst HTTP/1.1" 412 Precondition Failed`,
    { hostId: 'lab-1', status: 412 },
  ],
  [`10.0.0.1 - "PUT /v1/episodes/lab-1/${ID}.tar.zst HTTP/1.1" 201`, { hostId: 'lab-1', status: 201 }],
  [
    `2026-05-01T12:00:00.000000+00:00 INFO ::1 - "PUT /v1/episodes/a.b_c-d/x.tar.zst HTTP/1.0" 507`,
    { hostId: 'a.b_c-d', status: 507 },
  ],
  ['"PUT /v1/episodes/lab-1/x.tar.zst HTTP/2" 200 OK', { hostId: 'lab-1', status: 200 }],
  ['"PUT /v1/episodes/lab-1/x HTTP/1.1" 400', { hostId: 'lab-1', status: 400 }],
  ['"GET /v1/episodes/lab-1/x.tar.zst HTTP/1.1" 200', undefined],
  ['"PUT /v1/host-health/lab-1 HTTP/1.1" 200', undefined],
  ['"PUT /v1/episodes/.lab/x.tar.zst HTTP/1.1" 400', undefined],
  ['"PUT /v1/episodes/%2e%2e/x.tar.zst HTTP/1.1" 400', undefined],
  [`"PUT /v1/episodes/${'h'.repeat(65)}/x.tar.zst HTTP/1.1" 400`, undefined],
  ['"PUT /v1/episodes/lab-1/x/y.tar.zst HTTP/1.1" 400', undefined],
  ['"PUT /v1/episodes//x.tar.zst HTTP/1.1" 400', undefined],
  ['"PUT /v1/episodes/lab-1/x.tar.zst HTTP/1.1" 2011', undefined],
  [
    'WARNING rejected episode host=lab-1 episode=x code=commit-missing missing X-Cis490-Code-Commit request_id=7',
    unstamped('lab-1'),
  ],
  [
    'WARNING:receiver:rejected episode host=lab-1 episode=x: missing X-Cis490-Code-Commit header',
    { hostId: 'lab-1', rejection: { isUnstamped: true, code: undefined } },
  ],
  [
    'rejected episode host=lab-1 episode=x code=commit-not-in-window request_id=7',
    { hostId: 'lab-1', rejection: { isUnstamped: false, code: 'commit-not-in-window' } },
  ],
  ['rejected episode host=lab/1 episode=x missing X-Cis490-Code-Commit', undefined],
  ['rejected episode host= episode=x missing X-Cis490-Code-Commit', undefined],
  ['', undefined],
];

for (const [line, fact] of LINES) {
  test(`${line.slice(0, 80)}`, () => assert.deepEqual(parseJournalLine(line), fact));
}

test('any text is a line', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"PUT /v1/episodes/', 'lab-1/', ' HTTP/1.1" ', '412', 'rejected episode host=', ' code='),
  );
  fc.assert(fc.property(fc.array(piece), (pieces) => void parseJournalLine(pieces.join(''))));
});
