import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseExpiry } from './token-expiry.ts';

const NOW = Temporal.Instant.from('2026-05-01T06:00:00Z');

describe('when a token ends', () => {
  for (const [text, expected] of [
    ['90d', '2026-07-30T06:00:00.000000+00:00'],
    ['90 days', '2026-07-30T06:00:00.000000+00:00'],
    ['1 day', '2026-05-02T06:00:00.000000+00:00'],
    ['12 h', '2026-05-01T18:00:00.000000+00:00'],
    ['1.5d', '2026-05-02T18:00:00.000000+00:00'],
    ['2026-12-31', '2027-01-01T00:00:00.000000+00:00'],
    ['2026-05-01', '2026-05-02T00:00:00.000000+00:00'],
    ['2026-12-31T12:00:00+02:00', '2026-12-31T10:00:00.000000+00:00'],
    ['2026-12-31T12:00:00Z', '2026-12-31T12:00:00.000000+00:00'],
  ] as const) {
    test(`${text}: ${expected}`, () => assert.equal(parseExpiry(text, NOW), expected));
  }
  for (const text of [
    '',
    '90',
    'never',
    '-1d',
    '0d',
    '2026-02-30',
    '2026-04-30',
    '2026-05-01T06:00:00Z',
    '2026-13-01',
  ]) {
    test(`${text || 'nothing'} is refused`, () => assert.throws(() => parseExpiry(text, NOW), { code: 'bad-input' }));
  }
});
