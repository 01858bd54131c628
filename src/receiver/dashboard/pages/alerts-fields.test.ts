import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readReason, readSilenceFields, silenceMistake } from './alerts-fields.ts';

const GOOD = { host: 'lab-1', symptom: 'silent', reason: 'moves', for: '4h', until: '' };

const read: [fields: Record<string, string>, value: object][] = [
  [GOOD, { host: 'lab-1', symptom: 'silent', reason: 'moves', for: '4h' }],
  [
    { ...GOOD, symptom: '' },
    { host: 'lab-1', reason: 'moves', for: '4h' },
  ],
  [
    { ...GOOD, host: ' * ' },
    { host: '*', symptom: 'silent', reason: 'moves', for: '4h' },
  ],
  [
    { ...GOOD, until: '2026-05-01T16:00' },
    { host: 'lab-1', symptom: 'silent', reason: 'moves', expires_at: '2026-05-01T16:00Z' },
  ],
];
for (const [fields, value] of read) {
  test(`takes ${JSON.stringify(fields)}`, () => {
    assert.deepEqual(readSilenceFields(fields), { kind: 'read', value });
  });
}

const mistaken: [fields: Record<string, string>, names: string[]][] = [
  [{ ...GOOD, reason: '' }, ['reason']],
  [{ ...GOOD, reason: 'a\nb' }, ['reason']],
  [{ ...GOOD, reason: 'x'.repeat(501) }, ['reason']],
  [{ ...GOOD, host: '', symptom: '' }, ['host']],
  [{ ...GOOD, host: '<b>' }, ['host']],
  [{ ...GOOD, symptom: 'on-fire' }, ['symptom']],
  [{}, ['reason', 'host']],
];
for (const [fields, names] of mistaken) {
  test(`says what is wrong by field, and keeps what was typed: ${JSON.stringify(fields).slice(0, 100)}`, () => {
    const outcome = readSilenceFields(fields);
    assert.equal(outcome.kind, 'mistaken');
    assert.ok(outcome.kind === 'mistaken');
    assert.deepEqual(Object.keys(outcome.form.mistakes).sort(), names.toSorted());
    assert.deepEqual(outcome.form.typed, fields);
  });
}

test('what only the silence itself knows to be wrong stands at its field, too', () => {
  const { mistakes } = silenceMistake(GOOD, 'expires_at: must lie ahead');
  assert.deepEqual(mistakes, { until: 'It must lie ahead.' });
  assert.deepEqual(silenceMistake(GOOD, 'for: must be a time such as "2h"').mistakes, {
    for: 'It must be a time such as "2h".',
  });
});

test('an acknowledgement needs a reason of one line', () => {
  assert.deepEqual(readReason({ reason: ' known ' }), { kind: 'read', value: { reason: 'known' } });
  for (const reason of ['', ' ', 'a\u2028b']) assert.equal(readReason({ reason }).kind, 'mistaken');
});
