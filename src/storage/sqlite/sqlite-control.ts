// The maintainer's decisions in control.db, which the receiver and the command line share.

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Control, GateOverride, RetiredHost, RevokedCertificate, RevokedToken } from '../control.ts';
import { dataVersionOf, type Migrations, openSharedDatabase, whenFree } from './shared-database.ts';

export const VERSION_WITH_RETIRED_HOSTS = 2;

export const CONTROL_MIGRATIONS: Migrations = [
  `
  CREATE TABLE revoked_tokens (
    id TEXT PRIMARY KEY,
    revoked_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE revoked_certificates (
    serial_key TEXT PRIMARY KEY,
    serial TEXT NOT NULL,
    fingerprint TEXT,
    revoked_at TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX revoked_certificates_by_fingerprint ON revoked_certificates (fingerprint);
  CREATE TABLE gate_overrides (
    kind TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    until TEXT,
    why TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    PRIMARY KEY (commit_id, kind),
    CHECK (kind = 'allowed' AND until IS NOT NULL OR kind = 'blocked' AND until IS NULL)
  ) STRICT, WITHOUT ROWID;`,
  `
  CREATE TABLE retired_hosts (
    host_id TEXT PRIMARY KEY,
    retired_at TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;`,
  `
  CREATE TABLE enrolment_tokens (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    host_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    key_sha256 TEXT,
    revoked_at TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE issued_certificates (
    serial_key TEXT PRIMARY KEY,
    serial TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    host_id TEXT NOT NULL,
    key_sha256 TEXT NOT NULL,
    not_before TEXT NOT NULL,
    not_after TEXT NOT NULL,
    issued_at TEXT NOT NULL,
    authority TEXT NOT NULL,
    occasion TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX issued_certificates_by_host ON issued_certificates (host_id, issued_at);
  CREATE TABLE roll_outs (
    commit_id TEXT PRIMARY KEY,
    percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    decided_at TEXT NOT NULL,
    decided_by TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;`,
];

type Row = Record<string, SQLOutputValue>;
type Statements = ReturnType<typeof prepareStatements>;

export class SqliteControl implements Control {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /** Throws what `openSharedDatabase` throws. */
  static async open(path: string): Promise<SqliteControl> {
    return new SqliteControl(await openSharedDatabase(path, CONTROL_MIGRATIONS));
  }

  async revokeToken({ id, revokedAt }: RevokedToken): Promise<void> {
    await this.#run(({ revokeToken }) => revokeToken.run(id, revokedAt));
  }

  async isTokenRevoked(id: string): Promise<boolean> {
    return (await this.#run(({ findToken }) => findToken.get(id))) !== undefined;
  }

  async listRevokedTokens(): Promise<RevokedToken[]> {
    const rows = await this.#run(({ listTokens }) => listTokens.all());
    return rows.map((row) => ({ id: String(row['id']), revokedAt: String(row['revoked_at']) }));
  }

  async putRevokedCertificate({ serial, fingerprint, revokedAt, reason }: RevokedCertificate): Promise<void> {
    const known = fingerprint === undefined ? null : plainHex(fingerprint);
    await this.#run(({ putCertificate }) => putCertificate.run(serialKey(serial), serial, known, revokedAt, reason));
  }

  async isCertificateRevoked({ serial, fingerprint }: { serial?: string; fingerprint?: string }): Promise<boolean> {
    const key = serial === undefined ? null : serialKey(serial);
    const known = fingerprint === undefined ? null : plainHex(fingerprint);
    return (await this.#run(({ findCertificate }) => findCertificate.get(key, known))) !== undefined;
  }

  async listRevokedCertificates(): Promise<RevokedCertificate[]> {
    return (await this.#run(({ listCertificates }) => listCertificates.all())).map(toCertificate);
  }

  async putGateOverride(override: GateOverride): Promise<void> {
    const { kind, commit, why, by } = override;
    const until = override.kind === 'allowed' ? override.until : null;
    await this.#run(({ putOverride }) => putOverride.run(kind, commit, until, why, by));
  }

  async findGateOverrides(commit: string): Promise<GateOverride[]> {
    return (await this.#run(({ findOverrides }) => findOverrides.all(commit))).map(toOverride);
  }

  async listGateOverrides(): Promise<GateOverride[]> {
    return (await this.#run(({ listOverrides }) => listOverrides.all())).map(toOverride);
  }

  async removeGateOverride(kind: GateOverride['kind'], commit: string): Promise<boolean> {
    return (await this.#run(({ removeOverride }) => removeOverride.run(kind, commit))).changes === 1;
  }

  async retireHost({ hostId, retiredAt, by, reason }: RetiredHost): Promise<void> {
    await this.#run(({ retireHost }) => retireHost.run(hostId, retiredAt, by, reason));
  }

  async returnHost(hostId: string): Promise<boolean> {
    return (await this.#run(({ returnHost }) => returnHost.run(hostId))).changes === 1;
  }

  async listRetiredHosts(): Promise<RetiredHost[]> {
    return await whenFree(this.#database, () => readRetiredHosts(this.#database));
  }

  async version(): Promise<string> {
    return await whenFree(this.#database, () => dataVersionOf(this.#database));
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  async #run<T>(work: (statements: Statements) => T): Promise<T> {
    return await whenFree(this.#database, () => work(this.#statements));
  }
}

export function readRetiredHosts(database: DatabaseSync): RetiredHost[] {
  const rows = database.prepare('SELECT * FROM retired_hosts ORDER BY host_id').all();
  return rows.map((row) => ({
    hostId: String(row['host_id']),
    retiredAt: String(row['retired_at']),
    by: String(row['decided_by']),
    reason: String(row['reason']),
  }));
}

function prepareStatements(database: DatabaseSync) {
  return {
    revokeToken: database.prepare('INSERT OR IGNORE INTO revoked_tokens (id, revoked_at) VALUES (?, ?)'),
    findToken: database.prepare('SELECT 1 FROM revoked_tokens WHERE id = ?'),
    listTokens: database.prepare('SELECT * FROM revoked_tokens ORDER BY id'),
    // A fingerprint that is learnt later is no change of the decision.
    putCertificate: database.prepare(`
      INSERT INTO revoked_certificates (serial_key, serial, fingerprint, revoked_at, reason) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET fingerprint = coalesce(fingerprint, excluded.fingerprint)`),
    findCertificate: database.prepare('SELECT 1 FROM revoked_certificates WHERE serial_key = ? OR fingerprint = ?'),
    listCertificates: database.prepare('SELECT * FROM revoked_certificates ORDER BY serial_key'),
    putOverride: database.prepare('INSERT OR REPLACE INTO gate_overrides VALUES (?, ?, ?, ?, ?)'),
    findOverrides: database.prepare('SELECT * FROM gate_overrides WHERE commit_id = ? ORDER BY kind'),
    listOverrides: database.prepare('SELECT * FROM gate_overrides ORDER BY kind, commit_id'),
    removeOverride: database.prepare('DELETE FROM gate_overrides WHERE kind = ? AND commit_id = ?'),
    retireHost: database.prepare('INSERT OR IGNORE INTO retired_hosts VALUES (?, ?, ?, ?)'),
    returnHost: database.prepare('DELETE FROM retired_hosts WHERE host_id = ?'),
  };
}

function toCertificate(row: Row): RevokedCertificate {
  return {
    serial: String(row['serial']),
    ...(row['fingerprint'] !== null && { fingerprint: String(row['fingerprint']) }),
    revokedAt: String(row['revoked_at']),
    reason: String(row['reason']),
  };
}

function toOverride(row: Row): GateOverride {
  const decision = { commit: String(row['commit_id']), why: String(row['why']), by: String(row['decided_by']) };
  if (row['kind'] === 'blocked') return { kind: 'blocked', ...decision };
  return { kind: 'allowed', until: String(row['until']), ...decision };
}

/** Issuers, OpenSSL and proxies write the same bytes in either case, with colons or without. */
function plainHex(text: string): string {
  return text.replaceAll(':', '').toLowerCase();
}

/** A serial is a number: leading zeros are a matter of the writer. */
export function serialKey(serial: string): string {
  return plainHex(serial).replace(/^0+(?=.)/, '');
}
