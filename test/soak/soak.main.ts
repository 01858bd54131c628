// npm run soak -- --minutes N --seed S [--hosts H] [--json]: the nothing-lost check under everything at once. docs/soak.md explains it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatResult } from './report.ts';
import { type SoakOptions, soak } from './soak.ts';

const USAGE = `Usage: npm run soak -- [options]
  --minutes N       how long faults are done (default 10); converging comes after it
  --faults N        in place of --minutes: so many faults
  --seed S          decides what is done, and in which order (default: a new one, which is printed)
  --hosts N         how many shippers (default 20)
  --dir DIRECTORY   where the fleet lives (default: ${tmpdir()})
  --json            the result as one JSON document on standard output
Exit code: 0 nothing was lost and all converged · 1 something is wrong; the fleet's directory is kept · 2 bad usage · 130 interrupted
`;

process.exitCode = await main();

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const root = mkdtempSync(join(options.dir, 'cis490-soak-'));
  const told = options.json ? process.stderr : process.stdout;
  told.write(`soak: seed ${options.seed}, ${options.hosts} hosts, in ${root}\n`);
  let isKept = false;
  try {
    const onProgress = (line: string) => void told.write(`${line}\n`);
    const result = await soak({ ...options, root, stop: stop.signal, onProgress });
    isKept = result.faults.length > 0;
    process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : formatResult(result));
    if (isKept) process.stderr.write(`${again(options)}; what it left is in ${root}\n`);
    return isKept ? 1 : 0;
  } catch (error) {
    if (stop.signal.aborted) {
      process.stderr.write('soak: interrupted; all programs are ended\n');
      return 130;
    }
    isKept = true;
    process.stderr.write(
      `soak: ${error instanceof Error ? error.stack : error}\n${again(options)}; what it left is in ${root}\n`,
    );
    return 1;
  } finally {
    if (!isKept) rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

function readOptions(): Omit<SoakOptions, 'root' | 'stop' | 'onProgress'> & {
  dir: string;
  json: boolean;
  help: boolean;
} {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      faults: { type: 'string' },
      seed: { type: 'string' },
      hosts: { type: 'string', default: '20' },
      dir: { type: 'string', default: tmpdir() },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { minutes, faults, seed, hosts, dir, json, help } = values;
  if (minutes !== undefined && faults !== undefined) throw new Error('--minutes or --faults, not both');
  const length =
    faults === undefined ? { minutes: positive('--minutes', minutes ?? '10') } : { faults: whole('--faults', faults) };
  const drawn = seed === undefined ? Date.now() % 1_000_000 : whole('--seed', seed);
  return { length, seed: drawn, hosts: whole('--hosts', hosts), dir, json, help };
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} must be a whole number from 1 on, and is ${text}`);
  return Number(text);
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < Number.POSITIVE_INFINITY))
    throw new Error(`${name} must be more than 0, and is ${text}`);
  return number;
}

function again({ seed, hosts, length }: Pick<SoakOptions, 'seed' | 'hosts' | 'length'>): string {
  const [[name, value] = ['minutes', 10]] = Object.entries(length);
  return `again with: npm run soak -- --${name} ${value} --seed ${seed} --hosts ${hosts}`;
}
