// Parsers over the text of /proc: pure, and in SI units with the unit in each column's name. Counters are cumulative since
// boot, as the kernel gives them. Sources: the kernel's documentation and the Linux manual pages, named at each.

import { AppError } from '../../lib/app-error.ts';

/** Column name → value, in the order in which they are to be written. */
export type Columns = Record<string, number>;

/** proc_stat(5): times are in USER_HZ, which is 100 on every architecture that Linux has for user space but Alpha. */
const USER_HZ = 100;
/** proc_stat(5), `cpu` line: the sum over all processors. `iowait` is unreliable, and may decrease. */
const CPU_FIELDS = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

export function parseStat(text: string): Columns {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(/\s+/);
  if (!fields) throw malformed('stat', 'has no line of all processors');
  // Kernels before 2.6.11 have fewer fields; those are then zero.
  return Object.fromEntries(
    CPU_FIELDS.map((name, index) => [`cpu_${name}_s`, toNumber('stat', fields[index] ?? '0') / USER_HZ]),
  );
}

/** proc_meminfo(5): "kB" is 1024 bytes. */
export function parseMeminfo(text: string): Columns {
  const bytesOf = (name: string) => {
    const kib = new RegExp(`^${name}: *(\\d+) kB$`, 'm').exec(text)?.[1];
    if (kib === undefined) throw malformed('meminfo', `has no ${name}`);
    return Number(kib) * 1024;
  };
  return {
    mem_total_bytes: bytesOf('MemTotal'),
    mem_available_bytes: bytesOf('MemAvailable'),
    swap_used_bytes: bytesOf('SwapTotal') - bytesOf('SwapFree'),
  };
}

/** Devices that stand on others, on files or on memory: their bytes are counted where they land, or are on no disk. */
const NOT_A_DISK = /^(?:loop|ram|zram|dm-|md|bcache|drbd)\d|^nvme\d+c\d+n\d+/;
/** Documentation/admin-guide/iostats.rst: "sectors" are of 512 bytes, whatever the device's own. */
const SECTOR_BYTES = 512;

/** Documentation/admin-guide/iostats.rst: major, minor, name, then field 3 (sectors read) and field 7 (sectors written). */
export function parseDiskstats(text: string): Columns {
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));
  const names = new Set(rows.map((row) => row[2] ?? ''));
  let sectorsRead = 0;
  let sectorsWritten = 0;
  for (const [, , name = '', , , read = '', , , , written = ''] of rows) {
    if (NOT_A_DISK.test(name) || isPartition(name, names)) continue;
    sectorsRead += toNumber('diskstats', read);
    sectorsWritten += toNumber('diskstats', written);
  }
  return { disk_read_bytes: sectorsRead * SECTOR_BYTES, disk_written_bytes: sectorsWritten * SECTOR_BYTES };
}

/** The kernel names a partition after its disk, with a `p` between where the disk's name ends in a digit (block/genhd.c). */
function isPartition(name: string, names: ReadonlySet<string>): boolean {
  const [, afterDigit] = /^(.*\d)p\d+$/.exec(name) ?? [];
  const [, afterLetter] = /^(.*[^\d])\d+$/.exec(name) ?? [];
  return (afterDigit !== undefined && names.has(afterDigit)) || (afterLetter !== undefined && names.has(afterLetter));
}

/** proc_net(5), `dev`: two lines of header, then a name and 8 fields received, 8 sent, bytes first in both. */
export function parseNetDev(text: string): Columns {
  let received = 0;
  let sent = 0;
  for (const line of text.split('\n').slice(2)) {
    // From the last colon: an alias has one in its name.
    const colon = line.lastIndexOf(':');
    if (colon < 0 || line.slice(0, colon).trim() === 'lo') continue;
    const fields = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    received += toNumber('net/dev', fields[0] ?? '');
    sent += toNumber('net/dev', fields[8] ?? '');
  }
  return { net_received_bytes: received, net_sent_bytes: sent };
}

/** proc_loadavg(5): the first three fields are averages over 1, 5 and 15 minutes. */
export function parseLoadavg(text: string): Columns {
  const [one = '', five = '', fifteen = ''] = text.split(' ');
  return {
    load_1min: toNumber('loadavg', one),
    load_5min: toNumber('loadavg', five),
    load_15min: toNumber('loadavg', fifteen),
  };
}

/** Documentation/accounting/psi.rst: `some avg10=… avg60=… avg300=… total=…`, averages in percent, total in microseconds. */
export function parsePressure(resource: 'cpu' | 'memory' | 'io', text: string): Columns {
  const columns: Columns = {};
  for (const [, share, avg10 = '', totalUs = ''] of text.matchAll(/^(some|full) avg10=(\S+) .*total=(\d+)$/gm)) {
    // "CPU full is undefined at the system level": it is there since 5.13, always zero.
    if (resource === 'cpu' && share === 'full') continue;
    columns[`pressure_${resource}_${share}_avg10_percent`] = toNumber('pressure', avg10);
    columns[`pressure_${resource}_${share}_total_s`] = Number(totalUs) / 1_000_000;
  }
  return columns;
}

/** A field that is no number would make every sum NaN: better no sample than a wrong one. */
function toNumber(file: string, text: string): number {
  if (!/^\d+(?:\.\d+)?$/.test(text)) throw malformed(file, `has ${JSON.stringify(text)} where a number is expected`);
  return Number(text);
}

function malformed(file: string, problem: string): AppError {
  return new AppError('proc-malformed', `/proc/${file} ${problem}`, {
    hint: 'telemetry reads the format of Linux 3.14 and later: see uname -r',
  });
}
