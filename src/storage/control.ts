// Port: what the maintainer has decided: who may come in, which certificates no longer count, which commits count out of turn,
// which lab hosts are no longer expected to do anything.
// Nothing of it can be made again. Every call is durable when it resolves; all throw `disk-full` or `database-busy`.

/** A token that no longer counts. Who it was handed to is in the tokens file. Times are UTC wall times as clock.ts writes them. */
export interface RevokedToken {
  id: string;
  revokedAt: string;
}

export interface RevokedCertificate {
  /** Hex digits, as the certificate's issuer wrote them down. */
  serial: string;
  /** SHA-256 of the certificate in 64 hex digits, where it is known: some proxies tell this and not the serial. */
  fingerprint?: string;
  revokedAt: string;
  reason: string;
}

/** A commit that counts, until a time, although it is outside of the window; or one that does not, although it is inside. */
export type GateOverride =
  | { kind: 'allowed'; commit: string; until: string; why: string; by: string }
  | { kind: 'blocked'; commit: string; why: string; by: string };

/** A lab host that is gone for good: what is not heard of it is no fault. */
export interface RetiredHost {
  hostId: string;
  retiredAt: string;
  by: string;
  reason: string;
}

export interface Control {
  /** For good: the first revocation's time stands. */
  revokeToken(token: RevokedToken): Promise<void>;
  isTokenRevoked(id: string): Promise<boolean>;
  /** By id. */
  listRevokedTokens(): Promise<RevokedToken[]>;

  /** For good: a serial that is already revoked keeps its first time and reason. */
  putRevokedCertificate(certificate: RevokedCertificate): Promise<void>;
  /** By either of the two: hex digits in any case, a serial with or without leading zeros. */
  isCertificateRevoked(certificate: { serial?: string; fingerprint?: string }): Promise<boolean>;
  /** By serial. */
  listRevokedCertificates(): Promise<RevokedCertificate[]>;

  /** Adds or replaces by kind and commit: one commit may be both, so that an allowance that ends does not end a block. */
  putGateOverride(override: GateOverride): Promise<void>;
  /** At most one of each kind; an allowance that has ended too. */
  findGateOverrides(commit: string): Promise<GateOverride[]>;
  /** By kind and commit; allowances that have ended too. */
  listGateOverrides(): Promise<GateOverride[]>;
  /** False when there was none. */
  removeGateOverride(kind: GateOverride['kind'], commit: string): Promise<boolean>;

  /** Until it is returned: the first decision's time, maker and reason stand. */
  retireHost(host: RetiredHost): Promise<void>;
  /** False when it was not retired. */
  returnHost(hostId: string): Promise<boolean>;
  /** By host. */
  listRetiredHosts(): Promise<RetiredHost[]>;

  /** Another text whenever another connection has changed something since, also what the other ports keep in the same place. Cheap. */
  version(): Promise<string>;

  close(): Promise<void>;
}
