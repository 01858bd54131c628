// SIGKILL of cert-fetch and of bootstrap after each of their durable steps, one by one: a certificate with its key is in force at any
// moment once there was one, and the same command, run again, ends well.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BareMachine } from '../../src/lab-host/bootstrap/bootstrap.fixture.ts';
import type { BootstrapStep } from '../../src/lab-host/bootstrap/bootstrap-step.ts';
import { HostIdentity } from '../../src/lab-host/cert-fetch/cert-fetch.fixture.ts';
import type { CertFetchStep } from '../../src/lab-host/cert-fetch/cert-fetch-step.ts';
import { makeAuthority } from '../support/est-server.ts';
import { Program } from '../support/program.ts';

/** Whether the new pair is in force after the kill. */
const CERT_FETCH_STEPS: Record<CertFetchStep, boolean> = {
  'authorities-written': false,
  'key-written': false,
  answered: false,
  'pair-key-written': false,
  'pair-written': false,
  'link-made': false,
  switched: true,
  'switch-synced': true,
  'next-key-removed': true,
  'older-removed': true,
  'state-written': true,
};
const BOOTSTRAP_STEPS: Record<BootstrapStep, true> = {
  'authority-pinned': true,
  'configuration-written': true,
  installed: true,
  reported: true,
  'seed-rewritten': true,
};

const certFetch = join(import.meta.dirname, '../support/killed-cert-fetch.main.ts');
const bootstrap = join(import.meta.dirname, '../support/killed-bootstrap.main.ts');

/** Undefined where there is none; half a pair is a fault. */
function inForce(identity: string): X509Certificate | undefined {
  const at = (name: string) => join(identity, 'current', name);
  if (!existsSync(at(''))) return undefined;
  const certificate = new X509Certificate(readFileSync(at('host.crt')));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(at('host.key')))), 'a pair');
  return certificate;
}

const numbersIn = (identity: string) => readdirSync(identity).filter((name) => /^\d+$/.test(name));

async function killed(script: string, args: string[], step: string): Promise<void> {
  const program = Program.script(script, args);
  assert.equal((await program.ended).signal, 'SIGKILL', `it was not killed after ${step}:\n${program.stderr}`);
}

describe('cert-fetch', () => {
  for (const [step, isSwitched] of Object.entries(CERT_FETCH_STEPS)) {
    // The one authority is known at the first enrolment: only a renewal finds another.
    if (step !== 'authorities-written')
      test(`the first enrolment, killed after ${step}`, async (t) => {
        const host = await HostIdentity.create(t);
        const token = host.server.addToken();
        await killed(certFetch, [host.root, host.server.url, step, token], step);
        assert.equal(inForce(host.root) !== undefined, isSwitched);
        await host.fetch(
          step === 'state-written' || step === 'next-key-removed' || step === 'older-removed' ? {} : { token },
        );
        assert.ok(inForce(host.root));
        assert.deepEqual([numbersIn(host.root).length, readdirSync(join(host.root, 'next'))], [1, []]);
        assert.equal(new Set(host.server.issued.map(keyOf)).size, 1, 'one key, however often it was asked for');
      });

    test(`a renewal, killed after ${step}`, async (t) => {
      const host = await HostIdentity.enrolled(t);
      const before = inForce(host.root);
      const another = await makeAuthority('Lab CA 2');
      host.server.told = [host.server.authority.certificate, another.certificate];
      await killed(certFetch, [host.root, host.server.url, step], step);
      const after = inForce(host.root);
      assert.ok(before && after);
      assert.equal(before.fingerprint256 === after.fingerprint256, !isSwitched);
      assert.match((await host.fetch({ force: true })).result, /renewed|current/);
      const now = inForce(host.root);
      assert.ok(now && now.fingerprint256 !== before.fingerprint256);
      assert.ok(numbersIn(host.root).length <= 2);
      assert.deepEqual(readdirSync(join(host.root, 'next')), []);
      assert.equal(readFileSync(join(host.root, 'ca.crt'), 'utf8').match(/BEGIN/g)?.length, 2);
    });
  }
});

describe('bootstrap', () => {
  // In it the authority that is pinned is all that the receiver tells.
  const certFetchSteps = Object.keys(CERT_FETCH_STEPS).filter((step) => step !== 'authorities-written');
  for (const step of [...Object.keys(BOOTSTRAP_STEPS), ...certFetchSteps]) {
    test(`killed after ${step}`, async (t) => {
      const machine = await BareMachine.create(t);
      const { server } = machine;
      const seed = join(machine.root, 'seed.toml');
      const facts = `receiver = "${server.url}"\nca_fingerprint = "${server.fingerprint}"\nhost_id = "lab-1"\n`;
      writeFileSync(seed, `${facts}token = "${server.addToken()}"\n`, { mode: 0o600 });
      await killed(bootstrap, [machine.root, machine.tree, seed, step], step);
      const again = Program.script(bootstrap, [machine.root, machine.tree, seed, 'never']);
      assert.equal((await again.ended).code, 0, again.stderr);
      const identity = join(machine.root, 'var/lib/cis490/identity');
      assert.ok(inForce(identity));
      assert.equal(numbersIn(identity).length, 1);
      assert.equal(new Set(server.issued.map(keyOf)).size, 1);
      assert.match(machine.read('etc/cis490/lab-host.toml'), /^host_id = "lab-1"$/m);
      assert.ok((await machine.calls()).includes('bin/cis490 ship-health'));
      assert.match(readFileSync(seed, 'utf8'), /^token_used_at/m);
      assert.doesNotMatch(readFileSync(seed, 'utf8'), /^token =/m);
    });
  }
});

function keyOf(certificate: X509Certificate): string {
  return certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString();
}
