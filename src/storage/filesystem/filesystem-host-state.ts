// Doctor reports as whole files `host-health/<host>.json`, whose modification time is the time of receipt; heartbeats in state.db.
// Whatever else lies there harms no other host: only a file that is one JSON object is a report.

import { constants } from 'node:fs';
import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, isMissing, messageOf } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { isHostId } from '../../protocol/ids.ts';
import type { HealthReport, Heartbeat, HostState } from '../host-state.ts';
import type { SqliteHeartbeats } from '../sqlite/sqlite-heartbeats.ts';
import { diskFull, isNoRoom } from './disk-errors.ts';
import { modifiedAtWall } from './modified-at-wall.ts';

const SUFFIX = '.json';

export class FilesystemHostState implements HostState {
  readonly #directory: string;
  readonly #heartbeats: SqliteHeartbeats;
  readonly #logger: Logger;
  /** Names that were told to be no reports: not again while they stay so. */
  readonly #told = new Set<string>();

  private constructor(directory: string, heartbeats: SqliteHeartbeats, logger: Logger) {
    this.#directory = directory;
    this.#heartbeats = heartbeats;
    this.#logger = logger;
  }

  /** Makes the directory, and removes what a crash left of a report that was being written. */
  static async open(root: string, heartbeats: SqliteHeartbeats, logger: Logger): Promise<FilesystemHostState> {
    const directory = join(root, 'host-health');
    await mkdir(directory, { recursive: true });
    await fsyncDirectory(root);
    for (const name of await readdir(directory)) {
      if (name.endsWith('.tmp')) await removeFile(join(directory, name));
    }
    return new FilesystemHostState(directory, heartbeats, logger);
  }

  async putHeartbeat(heartbeat: Heartbeat): Promise<void> {
    this.#heartbeats.put(heartbeat);
  }

  async listHeartbeats(): Promise<Heartbeat[]> {
    return this.#heartbeats.list();
  }

  async putReport(hostId: string, content: Uint8Array): Promise<{ receivedAtWall: string }> {
    const path = this.#path(hostId);
    try {
      await writeFileDurably(path, content);
    } catch (error) {
      if (isNoRoom(error)) throw diskFull(path, error);
      throw error;
    }
    // Another report of this host may have come meanwhile: then its time is as good an answer.
    return { receivedAtWall: modifiedAtWall(await stat(path, { bigint: true })) };
  }

  async getReport(hostId: string): Promise<HealthReport | undefined> {
    try {
      return { hostId, ...(await readReport(this.#path(hostId))) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new AppError('report-damaged', `host-health/${hostId}${SUFFIX} is no doctor report: ${messageOf(error)}`, {
        hint: `the next report of ${hostId} replaces it; until then, in the store: rm -r host-health/${hostId}${SUFFIX}`,
        cause: error,
      });
    }
  }

  async *listReports(): AsyncGenerator<HealthReport> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(SUFFIX));
    for (const hostId of names.map((name) => name.slice(0, -SUFFIX.length)).sort()) {
      const report = await this.#reportOrTell(hostId);
      if (report) yield report;
    }
  }

  async #reportOrTell(hostId: string): Promise<HealthReport | undefined> {
    try {
      if (!isHostId(hostId)) throw new Error('its name is no host id');
      const report = await this.getReport(hostId);
      this.#told.delete(hostId);
      return report;
    } catch (error) {
      if (!this.#told.has(hostId)) {
        const fields = { path: this.#path(hostId), reason: messageOf(error) };
        this.#logger.warn(fields, 'host-health: left out what is no doctor report');
      }
      this.#told.add(hostId);
      return undefined;
    }
  }

  #path(hostId: string): string {
    return join(this.#directory, hostId + SUFFIX);
  }
}

/** Time and content of one file, whatever replaces it meanwhile. Throws for what is no JSON object. */
async function readReport(path: string): Promise<Omit<HealthReport, 'hostId'>> {
  // Without waiting: the opening of a pipe would wait for who writes into it.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new Error('it is no file');
    const content = await handle.readFile();
    if (!isJsonObject(content)) throw new Error('it is no JSON object');
    return { receivedAtWall: modifiedAtWall(stats), content };
  } finally {
    await handle.close();
  }
}

function isJsonObject(content: Uint8Array): boolean {
  try {
    // A byte order mark is no JSON: what is kept is handed out inside of other JSON as it is.
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content));
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
