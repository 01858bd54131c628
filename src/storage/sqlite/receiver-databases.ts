// What programs beside the receiver read of state.db and control.db. They change neither, and make neither.

import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../lib/app-error.ts';
import type { AttemptCount, Attempts, AttemptsReader } from '../attempts.ts';
import type { RetiredHost } from '../control.ts';
import type { Heartbeat } from '../host-state.ts';
import { readDatabase } from './read-database.ts';
import { databaseNewer, versionOf } from './shared-database.ts';
import { readAttempts } from './sqlite-attempts.ts';
import { CONTROL_MIGRATIONS, readRetiredHosts, VERSION_WITH_RETIRED_HOSTS } from './sqlite-control.ts';
import { readHeartbeats } from './sqlite-heartbeats.ts';
import { STATE_VERSION } from './state-database.ts';

const RESTART = 'sudo systemctl restart cis490-receiver';

export class ReceiverDatabases implements AttemptsReader {
  readonly #statePath: string;
  readonly #controlPath: string;

  constructor(root: string) {
    this.#statePath = join(root, 'state.db');
    this.#controlPath = join(root, 'control.db');
  }

  /** Throws `cannot-read`, as the others do. */
  async read(range: Parameters<Attempts['read']>[0]): Promise<AttemptCount[]> {
    return await this.#readState((database) => readAttempts(database, range));
  }

  async heartbeats(): Promise<Heartbeat[]> {
    return await this.#readState(readHeartbeats);
  }

  /** None before the first decision was taken. */
  async retiredHosts(): Promise<RetiredHost[]> {
    const path = this.#controlPath;
    const cure = `stop the receiver and put ${path} back from its last backup`;
    const found = await readDatabase(path, cure, (database) => {
      const version = versionOf(database);
      if (version > CONTROL_MIGRATIONS.length) {
        const { message, hint } = databaseNewer(path, version, CONTROL_MIGRATIONS.length);
        throw new AppError('cannot-read', message, hint === undefined ? {} : { hint });
      }
      return version < VERSION_WITH_RETIRED_HOSTS ? [] : readRetiredHosts(database);
    });
    return found ?? [];
  }

  async #readState<T>(work: (database: DatabaseSync) => T): Promise<T> {
    const path = this.#statePath;
    const cure = `sudo systemctl stop cis490-receiver; sudo rm ${path}*; sudo systemctl start cis490-receiver`;
    const found = await readDatabase(path, cure, (database) => {
      const version = versionOf(database);
      if (version !== STATE_VERSION) {
        const message = `${path} is of another release: schema ${version}, known here ${STATE_VERSION}`;
        throw new AppError('cannot-read', message, { hint: RESTART });
      }
      return { value: work(database) };
    });
    if (found) return found.value;
    throw new AppError('cannot-read', `${path} is missing: the receiver makes it when it starts`, { hint: RESTART });
  }
}
