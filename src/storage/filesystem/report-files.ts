// Doctor reports as whole files `host-health/<host>.json`, for whoever reads them. Whatever else lies there harms no other host: only a
// file that is one JSON object is a report.

import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, isMissing, messageOf } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { isHostId } from '../../protocol/ids.ts';
import type { HealthReport } from '../host-state.ts';
import { modifiedAtWall } from './modified-at-wall.ts';

const SUFFIX = '.json';

export class ReportFiles {
  readonly directory: string;
  readonly #logger: Logger | undefined;
  /** Names that were told to be no reports: not again while they stay so. */
  readonly #told = new Set<string>();

  constructor(root: string, logger?: Logger) {
    this.directory = join(root, 'host-health');
    this.#logger = logger;
  }

  pathOf(hostId: string): string {
    return join(this.directory, hostId + SUFFIX);
  }

  /** Undefined when there is none. Throws `report-damaged`. */
  async get(hostId: string): Promise<HealthReport | undefined> {
    try {
      return { hostId, ...(await readReport(this.pathOf(hostId))) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new AppError('report-damaged', `host-health/${hostId}${SUFFIX} is no doctor report: ${messageOf(error)}`, {
        hint: `the next report of ${hostId} replaces it; until then, in the store: rm -r host-health/${hostId}${SUFFIX}`,
        cause: error,
      });
    }
  }

  /** By host. What is damaged, or of no host, is left out and told once. Throws `cannot-read`. */
  async *list(): AsyncGenerator<HealthReport> {
    const names = (await this.#names()).filter((name) => name.endsWith(SUFFIX));
    for (const hostId of names.map((name) => name.slice(0, -SUFFIX.length)).sort()) {
      const report = await this.#reportOrTell(hostId);
      if (report) yield report;
    }
  }

  async #reportOrTell(hostId: string): Promise<HealthReport | undefined> {
    try {
      if (!isHostId(hostId)) throw new Error('its name is no host id');
      const report = await this.get(hostId);
      this.#told.delete(hostId);
      return report;
    } catch (error) {
      if (!this.#told.has(hostId)) {
        const fields = { path: this.pathOf(hostId), reason: messageOf(error) };
        this.#logger?.warn(fields, 'host-health: left out what is no doctor report');
      }
      this.#told.add(hostId);
      return undefined;
    }
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.directory);
    } catch (error) {
      if (isMissing(error)) return [];
      throw new AppError('cannot-read', `${this.directory} cannot be read: ${messageOf(error)}`, {
        hint: `see who may read it: ls -ld ${this.directory}`,
        cause: error,
      });
    }
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
