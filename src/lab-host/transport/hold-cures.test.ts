import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../lib/app-error.ts';
import { classifyAnswer, TREATMENT_BY_CODE } from './classify-answer.ts';
import { classifyNetworkError } from './classify-network-error.ts';
import { cureForHold } from './hold-cures.ts';

const UNKNOWN = cureForHold('of a later version');

test('whatever the connection is held for has a cure of its own', () => {
  for (const code of [
    'credentials-unusable',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'EPROTO',
    'HPE_INVALID_CONSTANT',
    'ENOTFOUND',
  ]) {
    const verdict = classifyNetworkError(new AppError(code, 'why'));
    assert.ok('code' in verdict && verdict.kind === 'held', code);
    assert.notEqual(cureForHold(verdict.code), UNKNOWN, verdict.code);
  }
});

test('whatever code of the contract holds has a cure of its own', () => {
  const lacking = Object.entries(TREATMENT_BY_CODE).flatMap(([code, treatment]) => {
    const canHold = treatment === 'held' || treatment === 'damaged';
    return canHold && cureForHold(code) === UNKNOWN ? code : [];
  });
  assert.deepEqual(lacking, []);
});

test('an answer without a code, which is not of the receiver, has one by its status', () => {
  for (const status of [302, 400, 401, 403, 404, 405, 407, 415, 426, 451]) {
    const answer = { status, contentType: 'text/html', body: '<html>', retryAfterS: undefined };
    const verdict = classifyAnswer(answer, { hostId: 'h', episodeId: 'e', sha256: 'd' });
    assert.ok(verdict.kind === 'held', `${status}`);
    assert.notEqual(cureForHold(verdict.code), UNKNOWN, verdict.code);
  }
});

test('a code that nobody knows has a cure, too', () => {
  for (const code of ['of a later version', 'constructor', '__proto__', 'http-1000'])
    assert.match(cureForHold(code), /cis490 /);
});
