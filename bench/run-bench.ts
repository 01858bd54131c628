// npm run bench: how fast episodes become durable here, beside what else one could have used. README.md explains the rows.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LoadProcess } from './load-process.ts';
import { loadFact, machineFacts } from './machine-facts.ts';
import { nginxVersion } from './peers/nginx.ts';
import { starletteVersions } from './peers/starlette.ts';
import { chooseRows, ROW_NAMES } from './rows.ts';
import { rcloneVersion } from './senders/rclone.ts';
import { scriptVersions } from './senders/scripts.ts';
import { formatTable, type RowResult } from './table.ts';

const USAGE = `Usage: npm run bench -- [options]
  --rounds N        rounds of each row (default 5; of drain and pack 3)
  --only ROWS       only these rows, with commas between them: ${ROW_NAMES.join(', ')}
  --quick           one tiny round of each: proves that the bench works, measures nothing
  --episodes N      the backlog of drain (default 4465)
  --dir DIRECTORY   the disk that is measured (default: ${tmpdir()})
  --require-peers   fail when a peer is not installed
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    episodes: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    'require-peers': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) process.stdout.write(USAGE);
else await main();

async function main(): Promise<void> {
  const { quick } = options;
  const rows = chooseRows(options.only);
  const rowOptions = { quick, episodes: wholeNumber('--episodes', options.episodes) };
  const wantedRounds = quick ? 1 : wholeNumber('--rounds', options.rounds);
  const disk = await realpath(options.dir);
  for (const { check } of rows) await check?.(disk, rowOptions);
  const directory = await mkdtemp(join(disk, 'cis490-bench-'));
  const load = new LoadProcess();
  const stop = endWhenTold(load);
  const results: RowResult[] = [];
  try {
    for (const fact of [
      ...machineFacts(directory),
      versions(),
      `rounds${quick ? '' : ' after a warm-up'}, contenders in turn; each figure is a median (min–max)`,
    ]) {
      process.stdout.write(`- ${fact}\n`);
    }
    const run = { directory, warmUp: !quick, load, stop, progress: (text: string) => process.stderr.write(text) };
    for (const row of rows) {
      results.push(await row.measure({ ...run, rounds: wantedRounds ?? row.rounds }, rowOptions));
    }
  } finally {
    await load.stop();
    await rm(directory, { recursive: true, force: true });
  }
  process.stdout.write(`\n${formatTable(results.flatMap(({ lines }) => lines))}`);
  process.stdout.write(`\n- ${loadFact('after')}\n`);
  if (quick) process.stdout.write('\n--quick: these figures measure nothing.\n');
  const missing = results.flatMap((result) => result.missing);
  if (options['require-peers'] && missing.length > 0) {
    process.stderr.write(`bench: --require-peers was given, and peers are missing: ${missing.join('; ')}\n`);
    process.exitCode = 1;
  }
}

/** Told to end, the row that is under way fails, and what it has left on the disk goes. */
function endWhenTold(load: LoadProcess): AbortSignal {
  const told = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      told.abort(new Error(`the bench was ended by ${signal}`));
      void load.stop();
    });
  }
  return told.signal;
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${name} must be a whole number, 1 or more`);
  return number;
}

function versions(): string {
  const nginx = nginxVersion();
  const rclone = rcloneVersion();
  const found = [nginx && `nginx ${nginx}`, starletteVersions(), scriptVersions(), rclone && `rclone ${rclone}`];
  return [`Node ${process.versions.node}`, ...found].filter(Boolean).join('; ');
}
