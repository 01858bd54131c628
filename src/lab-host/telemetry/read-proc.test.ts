import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Columns,
  parseDiskstats,
  parseLoadavg,
  parseMeminfo,
  parseNetDev,
  parsePressure,
  parseStat,
} from './read-proc.ts';

const STAT = `cpu  4324 12 3285 157232 163 0 49 786 0 0
cpu0 1615 0 1436 79422 18 0 11 390 0 0
cpu1 2708 12 1848 77809 144 0 38 396 0 0
intr 267781 0 0
ctxt 631592
btime 1795324458
`;

const MEMINFO = `MemTotal:       24682416 kB
MemFree:        24452448 kB
MemAvailable:   24399948 kB
SwapCached:            0 kB
SwapTotal:       2097148 kB
SwapFree:        1048574 kB
HugePages_Total:       0
`;

const DISKSTATS = `   7       0 loop0 90 0 900 0 0 0 0 0 0 0 0 0 0 0 0 0 0
   1       0 ram0 90 0 900 0 0 0 900 0 0 0 0
   8       0 sda 100 4828 1000 7832 2107 14582 2000 4964 0 2880 13239 3494 61 73864 426 216 15
   8       1 sda1 90 0 900 0 1 0 1900 0 0 0 0
   8      15 sda15 10 0 100 0 1 0 100 0 0 0 0
 259       0 nvme0n1 5 0 10 0 6 0 20 0 0 0 0
 259       1 nvme0n1p1 5 0 10 0 6 0 20 0 0 0 0
 179       0 mmcblk0 5 0 1 0 6 0 2 0 0 0 0
 179       1 mmcblk0p2 5 0 1 0 6 0 2 0 0 0 0
 202       1 xvda1 5 0 4 0 6 0 8 0 0 0 0
 253       0 dm-0 1 0 900 0 1 0 900 0 0 0 0
   9     127 md127 1 0 900 0 1 0 900 0 0 0 0
 252       0 zram0 1 0 900 0 1 0 900 0 0 0 0
`;

const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
  eth0: 190146506    4827    0    0    0     0          0         0   307643    2947    0    0    0     0       0          0
wlan0:12       1    0    0    0     0          0         0   34    1    0    0    0     0       0          0
`;

const PRESSURE = `some avg10=0.28 avg60=0.27 avg300=0.62 total=10500880
full avg10=1.00 avg60=0.02 avg300=0.05 total=1201380
`;

const cases: { title: string; parsed: Columns; columns: Columns }[] = [
  {
    title: 'stat: hundredths of a second, all processors together',
    parsed: parseStat(STAT),
    columns: {
      cpu_user_s: 43.24,
      cpu_nice_s: 0.12,
      cpu_system_s: 32.85,
      cpu_idle_s: 1572.32,
      cpu_iowait_s: 1.63,
      cpu_irq_s: 0,
      cpu_softirq_s: 0.49,
      cpu_steal_s: 7.86,
    },
  },
  {
    title: 'meminfo: kB of 1024 bytes',
    parsed: parseMeminfo(MEMINFO),
    columns: {
      mem_total_bytes: 24_682_416 * 1024,
      mem_available_bytes: 24_399_948 * 1024,
      swap_used_bytes: 1_048_574 * 1024,
    },
  },
  {
    title: 'diskstats: whole disks in sectors of 512 bytes, each byte once; a lone xvda1 is a disk',
    parsed: parseDiskstats(DISKSTATS),
    columns: { disk_read_bytes: 1015 * 512, disk_written_bytes: 2030 * 512 },
  },
  { title: 'diskstats: none', parsed: parseDiskstats(''), columns: { disk_read_bytes: 0, disk_written_bytes: 0 } },
  {
    title: 'net/dev: without loopback, and with no space after the name',
    parsed: parseNetDev(NET_DEV),
    columns: { net_received_bytes: 190_146_518, net_sent_bytes: 307_677 },
  },
  {
    title: 'loadavg',
    parsed: parseLoadavg('0.00 0.07 12.06 1/84 3469\n'),
    columns: { load_1min: 0, load_5min: 0.07, load_15min: 12.06 },
  },
  {
    title: 'pressure: total in seconds',
    parsed: parsePressure('io', PRESSURE),
    columns: {
      pressure_io_some_avg10_percent: 0.28,
      pressure_io_some_total_s: 10.50088,
      pressure_io_full_avg10_percent: 1,
      pressure_io_full_total_s: 1.20138,
    },
  },
  {
    title: 'pressure: full is undefined for the processors',
    parsed: parsePressure('cpu', PRESSURE),
    columns: { pressure_cpu_some_avg10_percent: 0.28, pressure_cpu_some_total_s: 10.50088 },
  },
  { title: 'pressure: absent', parsed: parsePressure('cpu', ''), columns: {} },
];

for (const { title, parsed, columns } of cases) {
  test(`read-proc: ${title}`, () => assert.deepEqual(parsed, columns));
}

const malformed: [title: string, parse: () => Columns][] = [
  ['stat', () => parseStat('intr 1\n')],
  ['stat with a word', () => parseStat('cpu  1 2 many 4\n')],
  ['meminfo without MemAvailable', () => parseMeminfo('MemTotal: 1 kB\n')],
  ['diskstats, cut', () => parseDiskstats('   8       0 sda 100\n')],
  ['net/dev, cut', () => parseNetDev('\n\neth0: 1 2\n')],
  ['loadavg', () => parseLoadavg('')],
];
for (const [title, parse] of malformed) {
  test(`read-proc: refuses a malformed ${title}`, () => assert.throws(parse, { code: 'proc-malformed' }));
}
