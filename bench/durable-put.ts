// npm run bench: how fast episodes become durable here, beside what else one could have used. README.md explains the rows.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LoadProcess } from './load-process.ts';
import { machineFacts } from './machine-facts.ts';
import { measurePeakMemory } from './peak-memory.ts';
import { nginxVersion } from './peers/nginx.ts';
import { starletteVersions } from './peers/starlette.ts';
import { runWorkload } from './run-workload.ts';
import { type Comparison, formatTable } from './table.ts';
import { chooseWorkloads, MEMORY_ROW } from './workloads.ts';

const USAGE = `Usage: npm run bench -- [options]
  --rounds N        rounds of each row (default 5)
  --only ROW        only this row: large, small, re-put, gate or memory
  --quick           one tiny round of each: proves that the bench works, measures nothing
  --dir DIRECTORY   the disk that is measured (default: ${tmpdir()})
  --require-peers   fail when a peer is not installed
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    'require-peers': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) process.stdout.write(USAGE);
else await main();

async function main(): Promise<void> {
  const rounds = options.quick ? 1 : Number(options.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number, 1 or more');
  const workloads = chooseWorkloads(options);
  const directory = await mkdtemp(join(await realpath(options.dir), 'cis490-bench-'));
  const load = new LoadProcess();
  const comparisons: Comparison[] = [];
  const more: string[][] = [];
  try {
    for (const fact of [
      ...machineFacts(directory),
      ...versions(),
      `${rounds} rounds${options.quick ? '' : ' after a warm-up'}, contenders in turn; each figure is a median (min–max)`,
    ]) {
      process.stdout.write(`- ${fact}\n`);
    }
    const progress = (text: string) => process.stderr.write(text);
    const run = { directory, rounds, warmUp: !options.quick, load, progress };
    for (const workload of workloads) comparisons.push(await runWorkload(run, workload));
    if (options.only === undefined || options.only === MEMORY_ROW) {
      more.push(await measurePeakMemory(run, options.quick));
    }
  } finally {
    await load.stop();
    await rm(directory, { recursive: true, force: true });
  }
  process.stdout.write(`\n${formatTable(comparisons, more)}`);
  if (options.quick) process.stdout.write('\n--quick: these figures measure nothing.\n');
  const missing = comparisons.flatMap(({ peers }) => peers).filter(({ kind }) => kind === 'missing');
  if (options['require-peers'] && missing.length > 0) {
    process.stderr.write('bench: --require-peers was given, and peers are missing\n');
    process.exitCode = 1;
  }
}

function versions(): string[] {
  const nginx = nginxVersion();
  const starlette = starletteVersions();
  return [[`Node ${process.versions.node}`, nginx && `nginx ${nginx}`, starlette].filter(Boolean).join('; ')];
}
