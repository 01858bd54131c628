// Port: what the maintainer has decided: who may come in, which certificates no longer count, which commits count out of turn.
// Nothing of it can be made again. Every call is durable when it resolves; all throw `disk-full` or `database-busy`.

export type TokenRole = 'host' | 'fleet' | 'reader' | 'admin';

/** A token's record; the token itself is kept nowhere. Times are UTC wall times as clock.ts writes them. */
export interface TokenRecord {
  id: string;
  role: TokenRole;
  /** The one host that a `host` token speaks for. */
  hostId?: string;
  /** 64 hex digits. */
  sha256: string;
  /** Without it: never. */
  expiresAt?: string;
  revokedAt?: string;
}

export interface RevokedCertificate {
  /** Hex digits, as the certificate's issuer wrote them down. */
  serial: string;
  revokedAt: string;
  reason: string;
}

/** A commit that counts, until a time, although it is outside of the window; or one that does not, although it is inside. */
export type GateOverride =
  | { kind: 'allowed'; commit: string; until: string; why: string; by: string }
  | { kind: 'blocked'; commit: string; why: string; by: string };

export interface Control {
  /** Adds or replaces by id. A token that was revoked stays so, since when it was. */
  putToken(token: TokenRecord): Promise<void>;
  /** By id; expired and revoked ones too. */
  listTokens(): Promise<TokenRecord[]>;
  /** False when there is no such token. The first revocation's time stands. */
  revokeToken(id: string, revokedAt: string): Promise<boolean>;

  /** For good: a serial that is already revoked keeps its first time and reason. */
  putRevokedCertificate(certificate: RevokedCertificate): Promise<void>;
  /** By serial. */
  listRevokedCertificates(): Promise<RevokedCertificate[]>;

  /** Adds or replaces by kind and commit: one commit may be both, so that an allowance that ends does not end a block. */
  putGateOverride(override: GateOverride): Promise<void>;
  /** By kind and commit; allowances that have ended too. */
  listGateOverrides(): Promise<GateOverride[]>;
  /** False when there was none. */
  removeGateOverride(kind: GateOverride['kind'], commit: string): Promise<boolean>;

  close(): Promise<void>;
}
