import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../lib/app-error.ts';
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

test('a code that nobody knows has a cure, too', () => assert.match(UNKNOWN, /cis490 /));
