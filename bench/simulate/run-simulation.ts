// npm run simulate -- --hosts N: thousands of simulated hosts against one receiver. docs/simulate.md explains it.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadFact, machineFacts } from '../machine-facts.ts';
import { formatSimulation } from './format-simulation.ts';
import { lackOfFiles } from './open-files.ts';
import { type SimulationOptions, simulate } from './simulation.ts';

const USAGE = `Usage: npm run simulate -- [options]
  --hosts N              simulated hosts (default 1000)
  --minutes M            how long they send (default 2)
  --speed X              how many times as often as a real host each does everything (default 1)
  --seed S               decides when each of them sends (default 1)
  --episode-every S      seconds between two episodes of a host (default 60)
  --heartbeat-every S    … two heartbeats (default 300, as the shipper does)
  --health-every S       … two doctor reports (default 3600; a real host sends one a day)
  --processes N          how many processes share the hosts (default 2)
  --dir DIRECTORY        the disk of the store (default: ${tmpdir()})
  --json                 the result as one JSON document on standard output
Exit code: 0 done, whatever the figures · 1 an episode that was answered 201 is not in the ledger once, or a connection was refused · 2 bad usage · 130 interrupted
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
  const lack = lackOfFiles(options.hosts, options.processes);
  if (lack !== undefined) {
    process.stderr.write(`simulate: ${lack}\n`);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const directory = await mkdtemp(join(await realpath(options.dir), 'cis490-simulate-'));
  try {
    if (!options.json) for (const fact of machineFacts(directory)) process.stdout.write(`- ${fact}\n`);
    const onProgress = (line: string) => void process.stderr.write(`${line}\n`);
    const run: SimulationOptions = { ...options, directory, stop: stop.signal, onProgress };
    const result = await simulate(run);
    process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : formatSimulation(run, result));
    if (!options.json) process.stdout.write(`- ${loadFact('after')}\n`);
    return Object.keys(result.failures).some((what) => what.endsWith('on a new connection')) ? 1 : 0;
  } catch (error) {
    if (stop.signal.aborted) {
      process.stderr.write('simulate: interrupted; all processes are ended\n');
      return 130;
    }
    process.stderr.write(`simulate: ${error instanceof Error ? error.stack : error}\n`);
    return 1;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      hosts: { type: 'string', default: '1000' },
      minutes: { type: 'string', default: '2' },
      speed: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      'episode-every': { type: 'string', default: '60' },
      'heartbeat-every': { type: 'string', default: '300' },
      'health-every': { type: 'string', default: '3600' },
      processes: { type: 'string', default: '2' },
      dir: { type: 'string', default: tmpdir() },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const whole = (name: 'hosts' | 'seed' | 'processes', most: number) => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 1 || number > most)
      throw new Error(`--${name} must be a whole number from 1 to ${most}, and is ${values[name]}`);
    return number;
  };
  const positive = (name: 'minutes' | 'speed' | 'episode-every' | 'heartbeat-every' | 'health-every') => {
    const number = Number(values[name]);
    if (!(number > 0 && number < Number.POSITIVE_INFINITY))
      throw new Error(`--${name} must be more than 0, and is ${values[name]}`);
    return number;
  };
  return {
    hosts: whole('hosts', 100_000),
    seed: whole('seed', 1_000_000_000),
    processes: whole('processes', 64),
    seconds: positive('minutes') * 60,
    speed: positive('speed'),
    periods: {
      episode: positive('episode-every'),
      heartbeat: positive('heartbeat-every'),
      'host-health': positive('health-every'),
    },
    dir: values.dir,
    json: values.json,
    help: values.help,
  };
}
