// Doctor reports as whole files `host-health/<host>.json`, whose modification time is the time of receipt; heartbeats in state.db.

import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isNoRoom } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { removeFile } from '../../lib/remove-file.ts';
import type { HealthReport, Heartbeat, HostState, NewHeartbeat } from '../host-state.ts';
import type { SqliteHeartbeats } from '../sqlite/sqlite-heartbeats.ts';
import { diskFull } from './disk-errors.ts';
import { modifiedAtWall } from './modified-at-wall.ts';
import { ReportFiles } from './report-files.ts';

export class FilesystemHostState implements HostState {
  readonly #reports: ReportFiles;
  readonly #heartbeats: SqliteHeartbeats;

  private constructor(reports: ReportFiles, heartbeats: SqliteHeartbeats) {
    this.#reports = reports;
    this.#heartbeats = heartbeats;
  }

  /** Makes the directory, and removes what a crash left of a report that was being written. */
  static async open(root: string, heartbeats: SqliteHeartbeats, logger: Logger): Promise<FilesystemHostState> {
    const reports = new ReportFiles(root, logger);
    await mkdir(reports.directory, { recursive: true });
    await fsyncDirectory(root);
    for (const name of await readdir(reports.directory)) {
      if (name.endsWith('.tmp')) await removeFile(join(reports.directory, name));
    }
    return new FilesystemHostState(reports, heartbeats);
  }

  async putHeartbeat(heartbeat: NewHeartbeat): Promise<void> {
    this.#heartbeats.put(heartbeat);
  }

  async listHeartbeats(): Promise<Heartbeat[]> {
    return this.#heartbeats.list();
  }

  async putReport(hostId: string, content: Uint8Array): Promise<{ receivedAtWall: string }> {
    const path = this.#reports.pathOf(hostId);
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
    return await this.#reports.get(hostId);
  }

  listReports(): AsyncIterable<HealthReport> {
    return this.#reports.list();
  }
}
