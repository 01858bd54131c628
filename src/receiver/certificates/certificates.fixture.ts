// An authority to work with: a store of the test's own with one in it, its records, a clock that stands still, and keys that ask.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { formatWallTime } from '../../lib/clock.ts';
import { openControl, openEnrolments } from '../../storage/open-storage.ts';
import { recordingLogger, SettableClock } from '../identity/identity.fixture.ts';
import { type CommandContext, requireAuthority } from './command-context.ts';
import { Enroller } from './enroller.ts';
import { initAuthority } from './manage-authority.ts';
import { readCsr, type SigningRequest } from './read-csr.ts';
import type { AuthorityStep } from './write-authority-set.ts';
import { loadX509Library } from './x509-library.ts';

export const NAMES = ['receiver.lab', '192.0.2.7'];

export interface AuthorityBench extends CommandContext {
  clock: SettableClock;
  root: string;
  steps: AuthorityStep[];
  /** What was written and told since the last look. */
  said: () => { written: string; told: string };
  enroller: Enroller;
}

/** Without `names`: a store that has no authority yet. */
export async function authorityBench(t: TestContext, names: string[] = NAMES): Promise<AuthorityBench> {
  const root = temporaryDirectory(t);
  const [control, enrolments] = [await openControl(root), await openEnrolments(root)];
  t.after(async () => {
    await control.close();
    await enrolments.close();
  });
  const clock = new SettableClock();
  const steps: AuthorityStep[] = [];
  let [written, told] = ['', ''];
  const context = {
    config: {
      store: { root, max_episode_bytes: 1, min_free: 0, backup_max_age_s: 1 },
      certificates: { host_lifetime_days: 90, server_lifetime_days: 365, ca_lifetime_days: 3650 },
      listen: { port: 8490 },
    },
    control,
    enrolments,
    clock,
    output: {
      write: (text: string) => {
        written += text;
      },
      tell: (line: string) => {
        told += `${line}\n`;
      },
    },
    by: 'ada',
    afterStep: (step: AuthorityStep) => void steps.push(step),
  };
  const said = () => {
    const all = { written, told };
    [written, told] = ['', ''];
    return all;
  };
  const { logger } = recordingLogger();
  const enroller = new Enroller({ enrolments, control, clock, logger });
  if (names.length > 0) await initAuthority({ names }, context);
  steps.length = 0;
  said();
  return { ...context, root, steps, said, enroller };
}

export interface HostKey {
  publicKey: KeyObject;
  privateKey: KeyObject;
  csr: SigningRequest;
}

/** A key, and its request as the receiver reads it. */
export async function hostKey(subject = 'CN=whatever'): Promise<HostKey> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const base64 = await makeCsr({ publicKey, privateKey }, subject);
  const read = await readCsr(Buffer.from(base64));
  if (read.kind === 'bad') throw new Error(read.detail);
  return { publicKey, privateKey, csr: read.csr };
}

/** In base64. It also asks to be an authority, for other names. */
export async function makeCsr(keys: { publicKey: KeyObject; privateKey: KeyObject }, name: string): Promise<string> {
  const x509 = await loadX509Library();
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys: {
      publicKey: keys.publicKey.toCryptoKey(algorithm, true, ['verify']),
      privateKey: keys.privateKey.toCryptoKey(algorithm, true, ['sign']),
    },
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 3, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'receiver.lab' }]),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  return Buffer.from(made.rawData).toString('base64');
}

/** As a host proves that it has the key of its old certificate. */
export function oldKeySignature(privateKey: KeyObject, csrDer: Buffer): Buffer {
  return sign('sha256', createHash('sha256').update(csrDer).digest(), privateKey);
}

export function termsOf(bench: AuthorityBench) {
  return { authority: requireAuthority(bench), lifetimeDays: bench.config.certificates.host_lifetime_days };
}

/** In the records, good for a day. */
export async function putToken({ enrolments, clock }: AuthorityBench, id: string, hostId: string) {
  const expiresAt = formatWallTime(clock.now.add({ hours: 24 }));
  const sha256 = createHash('sha256').update(id).digest('hex');
  const token = { id, sha256, hostId, createdAt: clock.wallTime(), expiresAt, by: 'ada' };
  await enrolments.putToken(token);
  return token;
}
