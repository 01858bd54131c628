// SIGKILL after each durable step of the authority's changes and of an enrolment: the old set or the new one, whole; a host that asks
// again gets its certificate, and nobody else does.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAuthoritySet, setVersion } from '../../src/receiver/certificates/authority-files.ts';
import type { EnrolmentStep } from '../../src/receiver/certificates/enroller.ts';
import type { AuthorityStep } from '../../src/receiver/certificates/write-authority-set.ts';
import { EstLab, openssl } from '../support/est-lab.ts';
import { Program } from '../support/program.ts';

// Whether what the command does has been done. `Record` makes the compiler ask for each step.
const DONE_AFTER: Record<AuthorityStep, boolean> = {
  'set-written': false,
  'set-in-force': true,
  'old-set-removed': true,
};

const AUTHORITY_SCRIPT = join(import.meta.dirname, '../support/killed-authority.main.ts');
const RECEIVER_SCRIPT = join(import.meta.dirname, '../support/killed-receiver.main.ts');

async function killed(lab: EstLab, command: string, step: AuthorityStep): Promise<void> {
  const program = Program.script(AUTHORITY_SCRIPT, [lab.config, command, step]);
  assert.equal((await program.ended).signal, 'SIGKILL', program.stderr);
}

/** What openssl says of each file of the set. */
function checkWhole(lab: EstLab): void {
  const path = (name: string) => join(lab.store, 'ca', name);
  openssl('verify', '-CAfile', path('trusted.crt'), '-purpose', 'sslserver', path('server/server.crt'));
  for (const [cert, key] of [
    ['current/ca.crt', 'current/ca.key'],
    ['server/server.crt', 'server/server.key'],
  ] as const) {
    assert.equal(openssl('x509', '-in', path(cert), '-noout', '-pubkey'), openssl('pkey', '-in', path(key), '-pubout'));
  }
}

for (const step of ['set-written', 'set-in-force'] satisfies AuthorityStep[]) {
  test(`init killed after ${step}`, async (t) => {
    const lab = await EstLab.create(t);
    await killed(lab, 'init', step);
    assert.equal(readAuthoritySet(lab.store) !== undefined, DONE_AFTER[step]);
    assert.equal((await lab.ca(['init', '--name', 'localhost'])).code, DONE_AFTER[step] ? 1 : 0);
    checkWhole(lab);
    assert.deepEqual(
      readdirSync(lab.store).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
}

for (const [step, isDone] of Object.entries(DONE_AFTER) as [AuthorityStep, boolean][]) {
  for (const command of ['renew-ca', 'finish', 'server-certificate']) {
    test(`${command} killed after ${step}`, async (t) => {
      const lab = await EstLab.create(t);
      assert.equal((await lab.ca(['init', '--name', 'localhost'])).code, 0);
      if (command === 'finish') assert.equal((await lab.ca(['renew-ca'])).code, 0);
      const before = setVersion(lab.store);
      await killed(lab, command, step);
      checkWhole(lab);
      assert.equal(setVersion(lab.store) !== before, isDone);
      const set = readAuthoritySet(lab.store);
      if (command !== 'server-certificate')
        assert.equal(set?.previous !== undefined, (command === 'renew-ca') === isDone);
      // The next command ends what was begun, and leaves one set.
      assert.equal((await lab.ca(['server-certificate'])).code, 0);
      checkWhole(lab);
      assert.equal(readdirSync(join(lab.store, 'ca/sets')).length, 1);
      assert.equal(existsSync(join(lab.store, 'ca/set.new')), false);
    });
  }
}

const ISSUED_AFTER: Record<EnrolmentStep, number> = { 'token-bound': 0, 'certificate-recorded': 1 };

for (const [step, issued] of Object.entries(ISSUED_AFTER)) {
  test(`receiver killed after ${step}: the answer is lost, the same key asks again`, async (t) => {
    const lab = await EstLab.create(t);
    assert.equal((await lab.ca(['init', '--name', 'localhost'])).code, 0);
    const { token } = await lab.token('lab-1');
    const host = lab.host('lab-1');
    const receiver = Program.script(RECEIVER_SCRIPT, [lab.config, step, '1']);
    t.after(() => receiver.kill());
    await receiver.printed(/receiver is listening/);
    assert.equal(lab.enrol(host, token).status, 0);
    assert.equal((await receiver.ended).signal, 'SIGKILL');
    assert.equal(JSON.parse((await lab.ca(['list', '--json'])).stdout).certificates.length, issued);
    await lab.start();
    assert.equal(lab.enrol(lab.host('lab-1', 'other'), token).status, 401);
    assert.equal(lab.enrol(host, token).status, 200);
    assert.equal(lab.curl('/v1/ping', { cert: host, post: '' }).status, 200);
    assert.equal(JSON.parse((await lab.ca(['list', '--json'])).stdout).certificates.length, issued + 1);
  });
}
