// What the figures were measured on: without it they mean nothing.

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { median } from './statistics.ts';

const FSYNCS = 200;
const BLOCK = Buffer.alloc(4096, 1);

/** Lines of a Markdown list. `directory` is on the disk that is measured. */
export function machineFacts(directory: string): string[] {
  const processors = cpus();
  const { type, device, options } = mountOf(directory);
  const lines = [
    `CPU: ${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores; memory: ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    loadFact('before'),
    `kernel: ${release()}; filesystem: ${type} on ${device} (${options})${hasNoJournal(type, device) ? ', without a journal' : ''}`,
    `appending 4 KiB and fsync: ${syncLatency(directory, 'append')}; overwriting 4 KiB and fdatasync: ${syncLatency(directory, 'overwrite')}`,
  ];
  if (type === 'tmpfs')
    lines.push('**tmpfs**: nothing is ever durable there and fsync costs nothing; choose a disk with --dir');
  return lines;
}

/** How busy the machine is: another's work on it counts against everybody's figures. */
export function loadFact(when: 'before' | 'after'): string {
  const [lastMinute = 0, , lastQuarter = 0] = loadavg();
  return `load ${when} the run: ${lastMinute.toFixed(1)} in the last minute, ${lastQuarter.toFixed(1)} in the last 15`;
}

export function mountOf(directory: string): { type: string; device: string; options: string } {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([device = '', point = '', type = '', options = '']) => ({ device, point, type, options }))
    .filter(({ point }) => directory === point || directory.startsWith(point === '/' ? '/' : `${point}/`))
    .sort((one, other) => one.point.length - other.point.length);
  return mounts.at(-1) ?? { type: 'unknown', device: 'unknown', options: '' };
}

/** Such an ext4 commits nothing in groups, and creates slowly for minutes after files were deleted. */
function hasNoJournal(type: string, device: string): boolean {
  if (type !== 'ext4' || !existsSync('/proc/fs/jbd2')) return false;
  return !readdirSync('/proc/fs/jbd2').some((name) => name.startsWith(`${basename(device)}-`));
}

function syncLatency(directory: string, how: 'append' | 'overwrite'): string {
  const path = join(directory, 'fsync-latency');
  const file = openSync(path, 'w');
  try {
    if (how === 'overwrite') {
      for (let block = 0; block < FSYNCS; block += 1)
        writeSync(file, BLOCK, 0, BLOCK.byteLength, block * BLOCK.byteLength);
      fsyncSync(file);
    }
    const milliseconds: number[] = [];
    for (let block = 0; block < FSYNCS; block += 1) {
      writeSync(file, BLOCK, 0, BLOCK.byteLength, block * BLOCK.byteLength);
      const startedAt = process.hrtime.bigint();
      if (how === 'append') fsyncSync(file);
      else fdatasyncSync(file);
      milliseconds.push(Number(process.hrtime.bigint() - startedAt) / 1e6);
    }
    return `median ${median(milliseconds).toFixed(2)} ms (${Math.min(...milliseconds).toFixed(2)}–${Math.max(...milliseconds).toFixed(2)})`;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
