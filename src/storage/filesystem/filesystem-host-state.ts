// Doctor reports as whole files `host-health/<host>.json`, whose modification time is the time of receipt; heartbeats in state.db.

import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import type { HealthReport, Heartbeat, HostState } from '../host-state.ts';
import type { SqliteHeartbeats } from '../sqlite/sqlite-heartbeats.ts';
import { diskFull, isNoRoom } from './disk-errors.ts';
import { modifiedAtWall } from './modified-at-wall.ts';

const SUFFIX = '.json';

export class FilesystemHostState implements HostState {
  readonly #directory: string;
  readonly #heartbeats: SqliteHeartbeats;

  private constructor(directory: string, heartbeats: SqliteHeartbeats) {
    this.#directory = directory;
    this.#heartbeats = heartbeats;
  }

  /** Makes the directory, and removes what a crash left of a report that was being written. */
  static async open(root: string, heartbeats: SqliteHeartbeats): Promise<FilesystemHostState> {
    const directory = join(root, 'host-health');
    await mkdir(directory, { recursive: true });
    await fsyncDirectory(root);
    for (const name of await readdir(directory)) {
      if (name.endsWith('.tmp')) await rm(join(directory, name), { force: true });
    }
    return new FilesystemHostState(directory, heartbeats);
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
      // Time and content of one file, whatever replaces it meanwhile.
      const handle = await open(this.#path(hostId), 'r');
      try {
        const receivedAtWall = modifiedAtWall(await handle.stat({ bigint: true }));
        return { hostId, receivedAtWall, content: await handle.readFile() };
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async *listReports(): AsyncGenerator<HealthReport> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(SUFFIX));
    for (const hostId of names.map((name) => name.slice(0, -SUFFIX.length)).sort()) {
      const report = await this.getReport(hostId);
      if (report) yield report;
    }
  }

  #path(hostId: string): string {
    return join(this.#directory, hostId + SUFFIX);
  }
}
