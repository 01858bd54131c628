// One reading of all counters, taken as close together as the kernel allows.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '../../lib/app-error.ts';
import {
  type Columns,
  parseDiskstats,
  parseLoadavg,
  parseMeminfo,
  parseNetDev,
  parsePressure,
  parseStat,
} from './read-proc.ts';

const PRESSURES = ['cpu', 'memory', 'io'] as const;

/**
 * Reads the files under `procRoot` (`/proc`). A kernel without pressure stall information leaves those columns out.
 * Throws `proc-unreadable` for any other file that cannot be read, `proc-malformed` for one of another format.
 */
export async function readSample(procRoot: string): Promise<Columns> {
  const [stat, meminfo, diskstats, netDev, loadavg, ...pressures] = await Promise.all([
    read(procRoot, 'stat'),
    read(procRoot, 'meminfo'),
    read(procRoot, 'diskstats'),
    read(procRoot, 'net/dev'),
    read(procRoot, 'loadavg'),
    ...PRESSURES.map((resource) => readPressure(procRoot, resource)),
  ]);
  const columns: Columns = {
    ...parseStat(stat),
    ...parseMeminfo(meminfo),
    ...parseDiskstats(diskstats),
    ...parseNetDev(netDev),
    ...parseLoadavg(loadavg),
  };
  for (const [index, resource] of PRESSURES.entries()) {
    Object.assign(columns, parsePressure(resource, pressures[index] ?? ''));
  }
  return columns;
}

async function read(procRoot: string, name: string): Promise<string> {
  const path = join(procRoot, name);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new AppError('proc-unreadable', `${path} cannot be read (${errnoOf(error)})`, {
      hint: `telemetry needs Linux with /proc mounted: ls -l ${path}`,
      cause: error,
    });
  }
}

/** Built without CONFIG_PSI there is no file; booted with psi=0 the file refuses to be read (EOPNOTSUPP). */
async function readPressure(procRoot: string, resource: string): Promise<string> {
  try {
    return await readFile(join(procRoot, 'pressure', resource), 'utf8');
  } catch (error) {
    if (['ENOENT', 'EOPNOTSUPP', 'ENOTSUP'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
}
