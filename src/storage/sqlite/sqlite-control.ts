// The maintainer's decisions in control.db, which the receiver and the command line share.

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Control, GateOverride, RevokedCertificate, TokenRecord, TokenRole } from '../control.ts';
import { type DatabaseSchema, openSharedDatabase, whenFree } from './shared-database.ts';

const SCHEMA: DatabaseSchema = {
  version: 1,
  tables: `
    CREATE TABLE tokens (
      id TEXT PRIMARY KEY,
      role TEXT NOT NULL CHECK (role IN ('host', 'fleet', 'reader', 'admin')),
      host_id TEXT,
      sha256 TEXT NOT NULL,
      expires_at TEXT,
      revoked_at TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE revoked_certificates (
      serial TEXT PRIMARY KEY,
      revoked_at TEXT NOT NULL,
      reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE gate_overrides (
      kind TEXT NOT NULL,
      commit_id TEXT NOT NULL,
      until TEXT,
      why TEXT NOT NULL,
      decided_by TEXT NOT NULL,
      PRIMARY KEY (kind, commit_id),
      CHECK (kind = 'allowed' AND until IS NOT NULL OR kind = 'blocked' AND until IS NULL)
    ) STRICT, WITHOUT ROWID;`,
};

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
    return new SqliteControl(await openSharedDatabase(path, SCHEMA));
  }

  async putToken({ id, role, hostId, sha256, expiresAt, revokedAt }: TokenRecord): Promise<void> {
    await this.#run(({ putToken }) =>
      putToken.run(id, role, hostId ?? null, sha256, expiresAt ?? null, revokedAt ?? null),
    );
  }

  async listTokens(): Promise<TokenRecord[]> {
    return (await this.#run(({ listTokens }) => listTokens.all())).map(toToken);
  }

  async revokeToken(id: string, revokedAt: string): Promise<boolean> {
    return (await this.#run(({ revokeToken }) => revokeToken.run(revokedAt, id))).changes === 1;
  }

  async putRevokedCertificate({ serial, revokedAt, reason }: RevokedCertificate): Promise<void> {
    await this.#run(({ putCertificate }) => putCertificate.run(serial, revokedAt, reason));
  }

  async listRevokedCertificates(): Promise<RevokedCertificate[]> {
    const rows = await this.#run(({ listCertificates }) => listCertificates.all());
    return rows.map((row) => ({
      serial: String(row['serial']),
      revokedAt: String(row['revoked_at']),
      reason: String(row['reason']),
    }));
  }

  async putGateOverride(override: GateOverride): Promise<void> {
    const { kind, commit, why, by } = override;
    const until = override.kind === 'allowed' ? override.until : null;
    await this.#run(({ putOverride }) => putOverride.run(kind, commit, until, why, by));
  }

  async listGateOverrides(): Promise<GateOverride[]> {
    return (await this.#run(({ listOverrides }) => listOverrides.all())).map(toOverride);
  }

  async removeGateOverride(kind: GateOverride['kind'], commit: string): Promise<boolean> {
    return (await this.#run(({ removeOverride }) => removeOverride.run(kind, commit))).changes === 1;
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  async #run<T>(work: (statements: Statements) => T): Promise<T> {
    return await whenFree(this.#database, () => work(this.#statements));
  }
}

function prepareStatements(database: DatabaseSync) {
  return {
    putToken: database.prepare(`
      INSERT INTO tokens (id, role, host_id, sha256, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET role = excluded.role, host_id = excluded.host_id, sha256 = excluded.sha256,
        expires_at = excluded.expires_at, revoked_at = coalesce(revoked_at, excluded.revoked_at)`),
    listTokens: database.prepare('SELECT * FROM tokens ORDER BY id'),
    revokeToken: database.prepare('UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?'),
    putCertificate: database.prepare('INSERT OR IGNORE INTO revoked_certificates VALUES (?, ?, ?)'),
    listCertificates: database.prepare('SELECT * FROM revoked_certificates ORDER BY serial'),
    putOverride: database.prepare('INSERT OR REPLACE INTO gate_overrides VALUES (?, ?, ?, ?, ?)'),
    listOverrides: database.prepare('SELECT * FROM gate_overrides ORDER BY kind, commit_id'),
    removeOverride: database.prepare('DELETE FROM gate_overrides WHERE kind = ? AND commit_id = ?'),
  };
}

function toToken(row: Row): TokenRecord {
  return {
    id: String(row['id']),
    // The table's CHECK admits no other.
    role: String(row['role']) as TokenRole,
    ...(row['host_id'] !== null && { hostId: String(row['host_id']) }),
    sha256: String(row['sha256']),
    ...(row['expires_at'] !== null && { expiresAt: String(row['expires_at']) }),
    ...(row['revoked_at'] !== null && { revokedAt: String(row['revoked_at']) }),
  };
}

function toOverride(row: Row): GateOverride {
  const decision = { commit: String(row['commit_id']), why: String(row['why']), by: String(row['decided_by']) };
  if (row['kind'] === 'blocked') return { kind: 'blocked', ...decision };
  return { kind: 'allowed', until: String(row['until']), ...decision };
}
