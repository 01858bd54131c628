import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeMessage } from './compose-message.ts';
import { alertOf, eventOf, NOON, resolvedOf } from './notify.fixture.ts';

test('two hundred silent hosts are one message: a count, the first twenty names, one cure', () => {
  const hosts = Array.from({ length: 200 }, (_, index) => `lab-${String(index + 1).padStart(3, '0')}`);
  const message = composeMessage(
    hosts.toReversed().map((host) => eventOf('firing', alertOf(host))),
    NOON,
  );
  assert.equal(message.title, 'cis490 FIRING silent: 200 hosts');
  assert.equal(
    message.text,
    `FIRING

silent (critical): 200 hosts
  ${hosts.slice(0, 20).join(', ')} and 180 more
  lab-001: stored nothing for 31 min
  Suggested, for lab-001: ssh lab-001 cis490 shipper --ping

What fires now: cis490 alerts
No more reminders of one: cis490 alerts ack ID --reason "on my way"
`,
  );
  assert.deepEqual(
    [message.status, message.severity, message.groups.length, message.alerts.length],
    ['firing', 'critical', 1, 200],
  );
});

test('sections: what fires, what still fires, what is resolved; the critical first', () => {
  const acknowledged = { at: NOON, by: 'ada', reason: 'on my way' };
  const { title, text, status, severity } = composeMessage(
    [
      eventOf('resolved', resolvedOf('lab-09')),
      eventOf('resolved', resolvedOf('lab-08', { resolvedAt: '2025-05-01T12:00:00.000000+00:00' })),
      eventOf('reminder', alertOf('lab-03', { symptom: 'unhealthy', severity: 'warning', acknowledged })),
      eventOf('firing', alertOf('lab-02', { symptom: 'backlog', severity: 'warning', detail: '412 wait' })),
      eventOf('firing', alertOf('*', { symptom: 'receiver-down', suggestedFix: 'systemctl restart cis490-receiver' })),
    ],
    NOON,
  );
  assert.equal(
    title,
    'cis490 FIRING receiver-down: the fleet; backlog: lab-02 | STILL FIRING unhealthy: lab-03 | RESOLVED silent: 2 hosts',
  );
  assert.equal(
    text,
    `FIRING

receiver-down (critical): the fleet
  stored nothing for 31 min
  Since 2026-05-01 12:00 UTC, id 0a0b0c0d
  Suggested: systemctl restart cis490-receiver

backlog (warning): lab-02
  412 wait
  Since 2026-05-01 12:00 UTC, id 0a0b0c0d
  Suggested: ssh lab-02 cis490 shipper --ping

STILL FIRING

unhealthy (warning): lab-03
  stored nothing for 31 min
  Since 2026-05-01 12:00 UTC, id 0a0b0c0d
  Suggested: ssh lab-03 cis490 shipper --ping
  Acknowledged by ada: on my way

RESOLVED

silent (critical): 2 hosts
  lab-08: since 2026-05-01 12:00 UTC, until 2025-05-01 12:00 UTC, id 0a0b0c0d
  lab-09: since 2026-05-01 12:00 UTC, until 2026-05-01 13:01 UTC (1 h 1 min), id 0a0b0c0d

What fires now: cis490 alerts
No more reminders of one: cis490 alerts ack ID --reason "on my way"
`,
  );
  assert.deepEqual([status, severity], ['firing', 'critical']);
});

test('resolved alone: no severity, and nothing to be acknowledged', () => {
  const message = composeMessage([eventOf('resolved', resolvedOf('lab-09'))], NOON);
  assert.deepEqual([message.status, message.severity], ['resolved', null]);
  assert.doesNotMatch(message.text, /cis490 alerts/);
});

test('whatever stands in an alert, text and title are inert', () => {
  const evil = 'a\r\nBcc: x@example.org\u001b[31m\u202e\u2028\u0000b';
  const { title, text, alerts } = composeMessage(
    [eventOf('firing', alertOf(evil, { detail: evil, suggestedFix: evil }))],
    NOON,
  );
  assert.equal(title, 'cis490 FIRING silent: a Bcc: x@example.org?[31m? ?b');
  assert.match(text, /^[^\p{Cc}\p{Cf}\p{Zl}]+$/mu);
  assert.doesNotMatch(text, /^Bcc/m);
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.equal(alerts[0]?.detail, 'a Bcc: x@example.org?[31m? ?b');
});
