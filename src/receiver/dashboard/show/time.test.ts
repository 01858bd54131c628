import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeAgo } from './time.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const shown = (iso: string, plain: string, ago: string) =>
  `<time datetime="${iso}" title="${plain} UTC" data-ago>${ago}</time>`;

const cases: [name: string, wallTime: string | null, text: string][] = [
  ['never', null, '<span class="muted">never</span>'],
  [
    'a wall time as we write it',
    '2026-05-01T11:57:00.123456+00:00',
    shown('2026-05-01T11:57:00.123Z', '2026-05-01 11:57:00', '2 min ago'),
  ],
  [
    'one of another zone',
    '2026-05-01T13:57:00.123456+02:00',
    shown('2026-05-01T11:57:00.123Z', '2026-05-01 11:57:00', '2 min ago'),
  ],
  [
    'one without a fraction',
    '2026-05-01T11:00:00Z',
    shown('2026-05-01T11:00:00.000Z', '2026-05-01 11:00:00', '60 min ago'),
  ],
  ['ahead of the clock', '2026-05-01T13:00:00Z', shown('2026-05-01T13:00:00.000Z', '2026-05-01 13:00:00', 'now')],
  ['no time', 'yesterday', '<span class="muted">?</span>'],
  ['a day that is none', '2026-05-99T11:57:00.123456+00:00', '<span class="muted">?</span>'],
  // Such text is a time to Date.parse: what stands in brackets is a comment there.
  [
    'markup beside a time',
    '1 May 2026 11:00 UTC (<b>&"</b>)',
    shown('2026-05-01T11:00:00.000Z', '2026-05-01 11:00:00', '60 min ago'),
  ],
];

for (const [name, wallTime, text] of cases) {
  test(name, async () => {
    assert.equal((await timeAgo(wallTime, NOW)).toString(), text);
  });
}
