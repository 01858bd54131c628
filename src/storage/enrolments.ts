// Port: who may get a certificate, and which were handed out. Kept in control.db: nothing of it can be made again.
// Every call is durable when it resolves; all throw `disk-full` or `database-busy`. Times are UTC wall times as clock.ts writes them.

export interface EnrolmentToken {
  id: string;
  /** Of the token: 64 hex digits. The token itself is kept nowhere. */
  sha256: string;
  hostId: string;
  createdAt: string;
  expiresAt: string;
  by: string;
  /** SHA-256 of the public key (SPKI, DER) that it enrolled first, in hex. */
  keySha256?: string;
  revokedAt?: string;
}

export interface IssuedCertificate {
  /** Hex digits. */
  serial: string;
  /** SHA-256 of the certificate, 64 hex digits. */
  fingerprint: string;
  hostId: string;
  /** SHA-256 of its public key (SPKI, DER), in hex. */
  keySha256: string;
  notBefore: string;
  notAfter: string;
  issuedAt: string;
  /** Fingerprint of the authority that signed it. */
  authority: string;
  /** `token <id>`, `renewal` or `renewal after expiry`. */
  occasion: string;
}

export interface Enrolments {
  putToken(token: EnrolmentToken): Promise<void>;
  findToken(sha256: string): Promise<EnrolmentToken | undefined>;
  /** Newest first. */
  listTokens(): Promise<EnrolmentToken[]>;
  /** Binds an unbound token; of two keys at once one wins. Resolves to the key that it is bound to. */
  bindToken(id: string, keySha256: string): Promise<string>;
  /** False when there is none of that id. */
  revokeToken(id: string, revokedAt: string): Promise<boolean>;

  putIssued(certificate: IssuedCertificate): Promise<void>;
  /** In any case of digits, with or without leading zeros. */
  findIssued(serial: string): Promise<IssuedCertificate | undefined>;
  /** Newest first; of one host where it is named. */
  listIssued(hostId?: string): Promise<IssuedCertificate[]>;
  close(): Promise<void>;
}
