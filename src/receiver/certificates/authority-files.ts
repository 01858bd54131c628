// The receiver's own authority as it lies on the disk. All of it is one directory, `sets/<n>`, that one link names: a reader finds the
// set before a change or the one after it, never a mixture.

import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing, messageOf } from '../../lib/app-error.ts';
import { certificateFingerprint } from '../../protocol/est.ts';
import { badCertificate, readCertificates } from '../identity/certificate-authorities.ts';

export interface Authority {
  certificate: X509Certificate;
  key: KeyObject;
  /** Of the certificate: SHA-256 in hex. */
  fingerprint: string;
}

export interface AuthoritySet {
  /** It signs. */
  current: Authority;
  /** During a roll-over: hosts that know it alone still come in. It signs the receiver's own certificate, and nothing else. */
  previous?: Authority;
  /** Of the receiver itself. */
  server: X509Certificate;
  /** That certificate with its chain, and its key: in PEM, as they lie there. */
  serverFiles: KeyPair;
}

/** In PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** What a program or a person opens, below `storeRoot`. */
export function authorityPaths(storeRoot: string) {
  const directory = join(storeRoot, 'ca');
  return {
    directory,
    /** Names the set that is in force. */
    link: join(directory, 'set'),
    trusted: join(directory, 'trusted.crt'),
    serverCertificate: join(directory, 'server', 'server.crt'),
    serverKey: join(directory, 'server', 'server.key'),
  };
}

/** The authorities whose certificates count, the one that signs first. */
export function trustedOf({ current, previous }: AuthoritySet): Authority[] {
  return previous ? [current, previous] : [current];
}

/** Who has signed the receiver's own certificate: what a new host is told to expect. */
export function serverAuthorityOf(set: AuthoritySet): Authority {
  return trustedOf(set).find(({ certificate }) => set.server.checkIssued(certificate)) ?? set.current;
}

/** Any change of the set changes it; no set has one, too. */
export function setVersion(storeRoot: string): string {
  try {
    const { ino, mtimeNs } = lstatSync(authorityPaths(storeRoot).link, { bigint: true });
    return `${ino} ${mtimeNs}`;
  } catch (error) {
    return isMissing(error) ? 'none' : `unreadable: ${messageOf(error)}`;
  }
}

/** Undefined where `cis490 ca init` was never run. Throws `bad-certificate`. */
export function readAuthoritySet(storeRoot: string): AuthoritySet | undefined {
  const { directory, link } = authorityPaths(storeRoot);
  for (;;) {
    const name = linkedSet(link);
    if (name === undefined) return undefined;
    try {
      return readSet(join(directory, name));
    } catch (error) {
      // Replaced, and removed, while it was read.
      if (linkedSet(link) === name) throw error;
    }
  }
}

function linkedSet(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw badCertificate(`the authority cannot be read: ${messageOf(error)}`, `look at it: sudo ls -l ${link}`, error);
  }
}

function readSet(directory: string): AuthoritySet {
  const current = readAuthority(join(directory, 'current'));
  const previousDirectory = join(directory, 'previous');
  const hasPrevious = lstatSync(previousDirectory, { throwIfNoEntry: false }) !== undefined;
  const [certPath, keyPath] = ['server.crt', 'server.key'].map((name) => join(directory, 'server', name)) as [
    string,
    string,
  ];
  const server = readFirst(certPath);
  const serverFiles = { cert: readFileSync(certPath, 'latin1'), key: readFileSync(keyPath, 'latin1') };
  return { current, server, serverFiles, ...(hasPrevious && { previous: readAuthority(previousDirectory) }) };
}

function readAuthority(directory: string): Authority {
  const certificate = readFirst(join(directory, 'ca.crt'));
  const keyPath = join(directory, 'ca.key');
  const authority = authorityOf(certificate, readKey(keyPath));
  if (certificate.checkPrivateKey(authority.key)) return authority;
  throw badCertificate(`${keyPath} is not the key of the certificate beside it`, 'put ca/ back from its last backup');
}

export function authorityOf(certificate: X509Certificate, key: KeyObject): Authority {
  return { certificate, key, fingerprint: certificateFingerprint(certificate) };
}

function readFirst(path: string): X509Certificate {
  const [first] = readCertificates(path, 'the authority');
  if (!first) throw badCertificate(`${path} holds no certificate`, 'put ca/ back from its last backup');
  return first;
}

function readKey(path: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(path));
  } catch (error) {
    // OpenSSL's words tell what is wrong and quote nothing of the key.
    throw badCertificate(`${path} cannot be read: ${messageOf(error)}`, `look at it: sudo ls -l ${path}`, error);
  }
}
