// Enrolment tokens and issued certificates in control.db: a connection of its own beside that of SqliteControl.

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Enrolments, EnrolmentToken, IssuedCertificate } from '../enrolments.ts';
import { openSharedDatabase, whenFree } from './shared-database.ts';
import { CONTROL_MIGRATIONS, serialKey } from './sqlite-control.ts';

type Row = Record<string, SQLOutputValue>;
type Statements = ReturnType<typeof prepareStatements>;

export class SqliteEnrolments implements Enrolments {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /** Throws what `openSharedDatabase` throws. */
  static async open(path: string): Promise<SqliteEnrolments> {
    return new SqliteEnrolments(await openSharedDatabase(path, CONTROL_MIGRATIONS));
  }

  async putToken(token: EnrolmentToken): Promise<void> {
    const { id, sha256, hostId, createdAt, expiresAt, by, keySha256, revokedAt } = token;
    const values = [id, sha256, hostId, createdAt, expiresAt, by, keySha256 ?? null, revokedAt ?? null];
    await this.#run(({ putToken }) => putToken.run(...values));
  }

  async findToken(sha256: string): Promise<EnrolmentToken | undefined> {
    const row = await this.#run(({ findToken }) => findToken.get(sha256));
    return row && toToken(row);
  }

  async listTokens(): Promise<EnrolmentToken[]> {
    return (await this.#run(({ listTokens }) => listTokens.all())).map(toToken);
  }

  async bindToken(id: string, keySha256: string): Promise<string> {
    const row = await this.#run(({ bindToken }) => bindToken.get(keySha256, id));
    // Tokens are never deleted: whoever has found it finds it again.
    if (!row) throw new Error(`there is no enrolment token ${id}`);
    return String(row['key_sha256']);
  }

  async revokeToken(id: string, revokedAt: string): Promise<boolean> {
    return (await this.#run(({ revokeToken }) => revokeToken.run(revokedAt, id))).changes === 1;
  }

  async putIssued(certificate: IssuedCertificate): Promise<void> {
    const { serial, fingerprint, hostId, keySha256, notBefore, notAfter, issuedAt, authority, occasion } = certificate;
    const values = [fingerprint, hostId, keySha256, notBefore, notAfter, issuedAt, authority, occasion];
    await this.#run(({ putIssued }) => putIssued.run(serialKey(serial), serial, ...values));
  }

  async findIssued(serial: string): Promise<IssuedCertificate | undefined> {
    const row = await this.#run(({ findIssued }) => findIssued.get(serialKey(serial)));
    return row && toIssued(row);
  }

  async listIssued(hostId?: string): Promise<IssuedCertificate[]> {
    const rows = await this.#run(({ listIssued, listIssuedTo }) =>
      hostId === undefined ? listIssued.all() : listIssuedTo.all(hostId),
    );
    return rows.map(toIssued);
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
    putToken: database.prepare('INSERT INTO enrolment_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    findToken: database.prepare('SELECT * FROM enrolment_tokens WHERE sha256 = ?'),
    listTokens: database.prepare('SELECT * FROM enrolment_tokens ORDER BY created_at DESC, id'),
    // One statement, and so one winner.
    bindToken: database.prepare(
      'UPDATE enrolment_tokens SET key_sha256 = coalesce(key_sha256, ?) WHERE id = ? RETURNING key_sha256',
    ),
    // The first revocation's time stands.
    revokeToken: database.prepare('UPDATE enrolment_tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?'),
    putIssued: database.prepare('INSERT INTO issued_certificates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    findIssued: database.prepare('SELECT * FROM issued_certificates WHERE serial_key = ?'),
    listIssued: database.prepare('SELECT * FROM issued_certificates ORDER BY issued_at DESC, serial_key'),
    listIssuedTo: database.prepare(
      'SELECT * FROM issued_certificates WHERE host_id = ? ORDER BY issued_at DESC, serial_key',
    ),
  };
}

function toToken(row: Row): EnrolmentToken {
  return {
    id: String(row['id']),
    sha256: String(row['sha256']),
    hostId: String(row['host_id']),
    createdAt: String(row['created_at']),
    expiresAt: String(row['expires_at']),
    by: String(row['created_by']),
    ...(row['key_sha256'] !== null && { keySha256: String(row['key_sha256']) }),
    ...(row['revoked_at'] !== null && { revokedAt: String(row['revoked_at']) }),
  };
}

function toIssued(row: Row): IssuedCertificate {
  return {
    serial: String(row['serial']),
    fingerprint: String(row['fingerprint']),
    hostId: String(row['host_id']),
    keySha256: String(row['key_sha256']),
    notBefore: String(row['not_before']),
    notAfter: String(row['not_after']),
    issuedAt: String(row['issued_at']),
    authority: String(row['authority']),
    occasion: String(row['occasion']),
  };
}
