// A real receiver on a store with a history: what the dashboard's tests look at. All of the history lies there before the receiver starts,
// as the programs would have left it.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../src/lib/clock.ts';
import { addToken } from '../../src/receiver/identity/tokens-file.ts';
import type { NewLedgerRow } from '../../src/storage/ledger.ts';
import { openStorage, type Storage } from '../../src/storage/open-storage.ts';
import { TestFleet } from './fleet.ts';
import { eventually, Program } from './program.ts';
import { type Answer, put, send } from './put.ts';
import { makeDirectory } from './temporary-directory.ts';

export type Role = 'reader' | 'admin';
const ROLES: readonly Role[] = ['reader', 'admin'];

export interface History {
  /** TOML for the receiver: its gate and what it expects. */
  keys: string;
  /** In the ledger, in the order of their times. */
  rows: readonly NewLedgerRow[];
  /** Everything else. */
  plant?: (storage: Storage, store: string) => Promise<void>;
}

export class DashboardFleet {
  readonly fleet: TestFleet;
  /** Empty where no credential is configured. */
  readonly tokens: ReadonlyMap<Role, { id: string; token: string }>;
  #receiver: Program | undefined;
  readonly #sessions = new Map<Role, string>();

  private constructor(fleet: TestFleet, tokens: DashboardFleet['tokens']) {
    this.fleet = fleet;
    this.tokens = tokens;
  }

  /** `isOpen`: without any credential, as `npm start` has it. */
  static async start(history: History, { isOpen = false } = {}): Promise<DashboardFleet> {
    const fleet = await TestFleet.create(makeDirectory(), history.keys);
    writeLedger(fleet.store, history.rows);
    const storage = await openStorage({ root: fleet.store, logger: pino({ level: 'silent' }) });
    try {
      await history.plant?.(storage, fleet.store);
    } finally {
      await storage.close();
    }
    const tokens: [Role, { id: string; token: string }][] = [];
    for (const role of isOpen ? [] : ROLES) tokens.push([role, await makeToken(fleet, role)]);
    const started = new DashboardFleet(fleet, new Map(tokens));
    await started.startReceiver();
    return started;
  }

  get origin(): string {
    return this.fleet.url;
  }

  async startReceiver(): Promise<void> {
    this.#receiver = await this.fleet.startReceiver();
    // Its pages say so themselves until the ledger has been read.
    const headers = this.#authorization();
    await eventually(async () => (await send(this.fleet.port, '/v1/fleet', { headers })).status === 200, 'it is ready');
  }

  async stopReceiver(): Promise<void> {
    await this.#receiver?.stop();
  }

  async end(): Promise<void> {
    await this.#receiver?.kill();
  }

  /** All that the receiver has printed since it was started last. */
  get log(): string {
    return `${this.#receiver?.stdout}${this.#receiver?.stderr}`;
  }

  /** The cookie of one who logged in once and stays so; undefined where nobody has to. */
  async session(role: Role): Promise<string | undefined> {
    if (this.tokens.size === 0) return undefined;
    const known = this.#sessions.get(role);
    if (known !== undefined) return known;
    const session = await this.newSession(role);
    this.#sessions.set(role, session);
    return session;
  }

  async newSession(role: Role): Promise<string> {
    const { token = '' } = this.tokens.get(role) ?? {};
    const answer = await send(this.fleet.port, '/login', {
      method: 'POST',
      headers: { Origin: this.origin, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token }).toString(),
    });
    const session = /cis490_session=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1];
    assert.ok(session, `${answer.status} ${answer.text}`);
    return session;
  }

  /** As a program asks, with the admin's token. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const options = {
      method,
      headers: this.#authorization(),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const answer = await send(this.fleet.port, path, options);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  }

  /** One more episode, as a shipper sends it. */
  async put(hostId: string, episodeId: string, body: Uint8Array | string, commit: string): Promise<Answer> {
    const headers = { ...this.#authorization(), 'X-Cis490-Code-Commit': commit };
    return await put(this.fleet.port, `/v1/episodes/${hostId}/${episodeId}.tar.zst`, body, headers);
  }

  /** One run of the monitor, beside the receiver. */
  async runMonitor(): Promise<void> {
    const run = Program.cis490(['fleet-health', '--config', this.fleet.receiverConfig]);
    assert.equal((await run.ended).code, 0, run.stderr);
  }

  #authorization(): Record<string, string> {
    const admin = this.tokens.get('admin');
    return admin ? { Authorization: `Bearer ${admin.token}` } : {};
  }
}

function writeLedger(store: string, rows: readonly NewLedgerRow[]): void {
  const lines = rows.map((row, index) => `${JSON.stringify({ ...row, seq: index + 1 })}\n`);
  writeFileSync(join(store, 'index.jsonl'), lines.join(''));
}

async function makeToken(fleet: TestFleet, role: Role): Promise<{ id: string; token: string }> {
  const token = `cis490_${randomBytes(32).toString('base64url')}`;
  const sha256 = createHash('sha256').update(token).digest('hex');
  const id = `t-${role === 'admin' ? '0ad41400' : '04ead400'}`;
  const make = () => ({ id, role, sha256, created_at: systemClock.wallTime() });
  await addToken(join(fleet.root, 'tokens.json'), make, { clock: systemClock, storeRoot: fleet.store });
  return { id, token };
}
