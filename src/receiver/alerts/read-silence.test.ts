import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { explainMistakes } from '../http/explain-mistakes.ts';
import { newSilenceSchema, readSilence } from './read-silence.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const clock: Clock = { wallTime: () => NOW, monotonicMs: () => 0, sleep: async () => undefined };
const GOOD = { host: 'lab-1', reason: 'moved to another rack', for: '2h' };

/** The silence, or all that is wrong. */
function read(body: unknown) {
  const parsed = newSilenceSchema.safeParse(body);
  if (!parsed.success) return explainMistakes(parsed.error);
  const made = readSilence(parsed.data, { id: '0a1b2c3d', by: 'token t-1', clock });
  return made.kind === 'bad' ? made.detail : made.silence;
}

test('says whom, why, by whom and until when', () => {
  assert.deepEqual(read(GOOD), {
    id: '0a1b2c3d',
    host: 'lab-1',
    symptom: null,
    reason: 'moved to another rack',
    by: 'token t-1',
    createdAt: NOW,
    expiresAt: '2026-05-01T14:00:00.000000+00:00',
  });
});

const ends: [more: object, expiresAt: string][] = [
  [{ for: '90 min' }, '2026-05-01T13:30:00.000000+00:00'],
  [{ for: '30 days' }, '2026-05-31T12:00:00.000000+00:00'],
  [{ for: undefined, expires_at: '2026-05-01T16:00:00+02:00' }, '2026-05-01T14:00:00.000000+00:00'],
  [{ for: undefined, expires_at: '2026-05-31T12:00:00Z' }, '2026-05-31T12:00:00.000000+00:00'],
];
for (const [more, expiresAt] of ends) {
  test(`ends at ${expiresAt}: ${JSON.stringify(more)}`, () => {
    const silence = read({ ...GOOD, ...more });
    assert.equal(typeof silence === 'string' ? silence : silence.expiresAt, expiresAt);
  });
}

test('may be for a symptom, for one at a host, or for the fleet as a whole', () => {
  for (const subject of [{ symptom: 'backlog' }, { host: 'lab-1', symptom: 'silent' }, { host: '*' }]) {
    const silence = read({ reason: 'known', for: '2h', ...subject });
    assert.equal(typeof silence, 'object', JSON.stringify(silence));
  }
});

const mistakes: [body: object, mistake: RegExp][] = [
  [{ ...GOOD, host: undefined }, /^host: it or symptom is needed, or both$/],
  [{ ...GOOD, host: '../lab' }, /^host: /],
  [{ ...GOOD, symptom: 'on-fire' }, /^symptom: .*"silent"/],
  [{ ...GOOD, reason: ' ' }, /^reason: /],
  [{ ...GOOD, reason: undefined }, /^reason: is missing$/],
  [{ ...GOOD, reason: 'one\nALERT host=lab-2' }, /^reason: must be one line of text$/],
  [{ ...GOOD, reason: 'x'.repeat(501) }, /^reason: /],
  [{ ...GOOD, for: undefined }, /^for: exactly one of it and expires_at is needed$/],
  [{ ...GOOD, expires_at: '2026-05-01T13:00:00Z' }, /^for: exactly one of it and expires_at is needed$/],
  [{ ...GOOD, for: 'soon' }, /^for: must be a time such as "2h"/],
  [{ ...GOOD, for: 7200 }, /^for: expected string/],
  [{ ...GOOD, for: '0 s' }, /^for: must lie ahead$/],
  [{ ...GOOD, for: '31 days' }, /^for: must end within 30 days$/],
  [{ ...GOOD, for: `${'9'.repeat(300)} days` }, /^for: must end within 30 days$/],
  [{ ...GOOD, for: undefined, expires_at: NOW }, /^expires_at: must lie ahead$/],
  [{ ...GOOD, for: undefined, expires_at: '2026-05-31T12:00:01Z' }, /^expires_at: must end within 30 days$/],
  [{ ...GOOD, for: undefined, expires_at: '2026-05-01T13:00:00' }, /^expires_at: must be a time such as/],
  [{ ...GOOD, until: 'tomorrow' }, /until/],
  [{ reason: '', for: '2h' }, /^reason: .*$/],
];
for (const [body, mistake] of mistakes) {
  test(`is refused: ${JSON.stringify(body).slice(0, 120)}`, () => {
    const told = read(body);
    assert.equal(typeof told, 'string', JSON.stringify(told));
    assert.match(String(told), mistake);
  });
}
