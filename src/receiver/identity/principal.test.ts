import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Action, allows, expiryOf, hostOf, nameOf, type Principal } from './principal.ts';

const PRINCIPALS = {
  open: { role: 'open' },
  admin: { role: 'admin', name: 'token t-1' },
  fleet: { role: 'fleet', name: 'fleet token' },
  reader: { role: 'reader', name: 'token t-2' },
  host: { role: 'host', hostId: 'lab-1', name: 'certificate lab-1' },
  enrolment: { role: 'enrolment', hostId: 'lab-1', name: 'enrolment token e-1' },
} as const satisfies Record<string, Principal>;

// Who may, of: open admin fleet reader enrolment; then the host with its own data, another's, and nobody's.
const TABLE: Record<Action, string> = {
  'write-episode': 'open admin fleet own',
  'send-heartbeat': 'open admin fleet own',
  'write-host-health': 'open admin fleet own',
  'read-episode-headers': 'open admin fleet reader own',
  ping: 'open admin fleet own others nobodys',
  'read-gate': 'open admin fleet reader own others nobodys',
  'read-releases': 'open admin fleet reader enrolment own others nobodys',
  'read-contract': 'open admin fleet reader own others nobodys',
  'read-readiness': 'open admin fleet reader',
  'read-episode': 'open admin reader',
  'read-index': 'open admin reader',
  'read-host-health': 'open admin fleet reader',
  'read-fleet': 'open admin fleet reader',
  'read-metrics': 'open admin reader',
  'read-dashboard': 'open admin reader',
  'retire-host': 'open admin',
  'read-alerts': 'open admin reader',
  'acknowledge-alert': 'open admin',
  'silence-alerts': 'open admin',
  'retract-episode': 'open admin',
};

for (const [action, expected] of Object.entries(TABLE) as [Action, string][]) {
  test(`${action}: ${expected}`, () => {
    const { host, ...others } = PRINCIPALS;
    const able = Object.entries(others).flatMap(([name, principal]) => {
      const answers = [allows(principal, action), allows(principal, action, 'lab-1'), allows(principal, action, 'x')];
      assert.equal(new Set(answers).size, 1, `${name}: for every host alike`);
      return answers[0] ? [name] : [];
    });
    if (allows(host, action, 'lab-1')) able.push('own');
    if (allows(host, action, 'lab-10')) able.push('others');
    if (allows(host, action)) able.push('nobodys');
    assert.equal(able.join(' '), expected);
  });
}

test('only a host, or a machine that is to become one, speaks for a host', () => {
  assert.deepEqual(Object.values(PRINCIPALS).map(hostOf), [null, null, null, null, 'lab-1', 'lab-1']);
});

test('each has a name for the records', () => {
  assert.deepEqual(Object.values(PRINCIPALS).map(nameOf), [
    'this machine',
    'token t-1',
    'fleet token',
    'token t-2',
    'certificate lab-1',
    'enrolment token e-1',
  ]);
});

test('a token that ends is told when; whatever else comes with none', () => {
  assert.equal(
    expiryOf({ ...PRINCIPALS.host, expiresAt: '2027-01-01T00:00:00.000000+00:00' }),
    '2027-01-01T00:00:00.000000+00:00',
  );
  for (const principal of Object.values(PRINCIPALS)) assert.equal(expiryOf(principal), null);
});
