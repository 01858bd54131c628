import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { storedTimeUs } from './stored-time.ts';

const AT = Date.UTC(2026, 4, 1, 6, 37, 53) * 1000;

const TIMES: [string, number | undefined][] = [
  ['2026-05-01T06:37:53.830599+00:00', AT + 830_599],
  ['2026-05-01T06:37:53.830599Z', AT + 830_599],
  ['2026-05-01T06:37:53.830599', AT + 830_599],
  ['2026-05-01 06:37:53', AT],
  ['2026-05-01T06:37', AT - 53_000_000],
  ['2026-05-01T06:37:53.8', AT + 800_000],
  ['2026-05-01T06:37:53.830599999', AT + 830_599],
  ['2026-05-01T08:37:53+02:00', AT],
  ['2026-04-30T22:07:53-08:30', AT],
  ['2026-05-01T08:37:53+0200', AT],
  ['2026-05-01T08:37:53+02', AT],
  ['2026-05-01T06:38:23.5+00:00:30', AT + 500_000],
  ['1970-01-01T00:00:00.000001Z', 1],
  ['1969-12-31T23:59:59.999999Z', -1],
  ['2024-02-29T00:00Z', Date.UTC(2024, 1, 29) * 1000],
  ['0001-01-01T00:00:00', -62_135_596_800_000_000],
  ['2026-02-29T00:00Z', undefined],
  ['2026-04-31T00:00Z', undefined],
  ['2026-13-01T00:00Z', undefined],
  ['2026-00-01T00:00Z', undefined],
  ['2026-05-00T00:00Z', undefined],
  ['0000-05-01T00:00Z', undefined],
  ['2026-05-01T24:00Z', undefined],
  ['2026-05-01T06:60Z', undefined],
  ['2026-05-01T06:37:60Z', undefined],
  ['2026-05-01T06:37:53.Z', undefined],
  ['2026-05-01T06:37:53.1234567891Z', undefined],
  ['2026-05-01T06:37:53+24:00', undefined],
  ['2026-05-01', undefined],
  ['2026-05-01T06:37:53Z ', undefined],
  ['yesterday', undefined],
  ['', undefined],
];

for (const [text, expected] of TIMES) {
  test(`${JSON.stringify(text)} is ${expected ?? 'no time'}`, () => assert.equal(storedTimeUs(text), expected));
}

test('what the language itself writes of any instant is read as that instant', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 16n), max: 8n * 10n ** 15n }),
      fc.integer({ min: -1439, max: 1439 }),
      (us, offset) => {
        const instant = Temporal.Instant.fromEpochNanoseconds(us * 1000n);
        const sign = offset < 0 ? '-' : '+';
        const minutes = Math.abs(offset);
        const zone = `${sign}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
        assert.equal(storedTimeUs(instant.toString()), Number(us));
        assert.equal(storedTimeUs(instant.toString({ timeZone: zone })), Number(us));
      },
    ),
    { seed, numRuns: 300 },
  );
});
