// The main job on one machine, with nothing configured: a receiver on loopback, and a lab host that records this machine and ships.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import type { WriteStream } from 'node:tty';
import { AppError, messageOf } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import { acquireExclusiveLock } from '../lib/exclusive-lock.ts';
import { makeDirectory } from '../lib/make-directory.ts';
import { hasColours, type Paint, painter } from '../lib/terminal-styles.ts';
import { type ChildProgram, startProgram } from './child-program.ts';
import { Narrator } from './narrate.ts';
import { type PreparedRun, prepareDirectory, rememberStaleShown } from './prepare-directory.ts';

const FIRST_LOOK_MS = 15_000;
const LOOK_EVERY_MS = 5 * 60_000;

export interface AllInOneOptions {
  directory: string;
  /** Of the receiver, on 127.0.0.1; 0 takes any that is free. */
  port: number;
  installRoot: string;
  stop: AbortSignal;
  clock: Clock;
  output: NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY'>>;
}

/** Runs until `stop`; resolves with the exit code: 1 when one of its programs ended by itself. */
export async function runAllInOne(options: AllInOneOptions): Promise<number> {
  const directory = resolve(options.directory);
  await makeDirectory(directory);
  const lock = acquireExclusiveLock(directory, 'all-in-one');
  // Nobody looks any more (`npm start | head`): then it stops as by Ctrl-C.
  const unwatched = new AbortController();
  options.output.on('error', () => unwatched.abort());
  const stop = AbortSignal.any([options.stop, unwatched.signal]);
  try {
    return await run({ ...options, stop }, directory, await freePort(options.port));
  } finally {
    lock.release();
  }
}

async function run(options: AllInOneOptions, directory: string, port: number): Promise<number> {
  const { installRoot, stop, output } = options;
  const prepared = await prepareDirectory(directory, installRoot, port);
  const paint = painter(hasColours(output, process.env));
  const narrator = new Narrator((text) => output.write(text), paint);
  const hear = (line: string) => narrator.heard(line);
  const start = (name: string, ...args: string[]) => startProgram(installRoot, name, args, hear);
  const runToEnd = async (name: string, ...args: string[]) => {
    if (stop.aborted) return;
    const program = start(name, ...args);
    stop.addEventListener('abort', () => program.stop());
    await program.ended;
  };

  output.write(introduction(directory, port, prepared, paint));
  const receiver = start('receiver', '--config', prepared.receiverConfig);
  const programs = [receiver];
  if (await isAnswering(receiver, port, options)) {
    if (prepared.staleHostConfig) {
      narrator.note('First, once: an episode recorded by code that is not on the branch, to see the gate refuse it.');
      await runToEnd('orchestrator', '--once', '--config', prepared.staleHostConfig);
      await runToEnd('shipper', '--once', '--config', prepared.labHostConfig);
      if (narrator.counts.refused > 0) {
        await rememberStaleShown(directory);
        narrator.note(
          `It lies in ${prepared.data}/quarantine with its reason. Now this machine's telemetry, every five seconds:`,
        );
      }
    }
    if (!stop.aborted) {
      programs.push(
        start('orchestrator', '--config', prepared.labHostConfig),
        start('shipper', '--config', prepared.labHostConfig),
      );
    }
  }
  const over = new AbortController();
  const until = AbortSignal.any([stop, over.signal]);
  const watched =
    programs.length > 1 &&
    watchFleet(options.clock, until, () =>
      runToEnd('fleet-health', '--config', prepared.receiverConfig).catch((error: unknown) =>
        narrator.note(`the monitor could not be started: ${messageOf(error)}`),
      ),
    );
  const exitCode = await untilStopped(options, programs, narrator);
  over.abort();
  await watched;
  return exitCode;
}

/** The monitor, as its timer runs it. Its own failure is told, and ends nothing. */
async function watchFleet(clock: Clock, until: AbortSignal, runMonitor: () => Promise<void>): Promise<void> {
  // Not at once: a host that is just starting has stored nothing yet.
  for (let pauseMs = FIRST_LOOK_MS; !until.aborted; pauseMs = LOOK_EVERY_MS) {
    await clock.sleep(pauseMs, until);
    if (!until.aborted) await runMonitor();
  }
}

async function untilStopped(
  { stop, output }: AllInOneOptions,
  programs: ChildProgram[],
  narrator: Narrator,
): Promise<number> {
  const stopped = stop.aborted ? Promise.resolve() : once(stop, 'abort');
  const failed = await Promise.race([
    stopped.then(() => undefined),
    ...programs.map(async (program) => ({ name: program.name, code: await program.ended })),
  ]);
  // A Ctrl-C in the terminal reaches the programs too, and one of them may end before this one has heard of it.
  const isFailure = failed !== undefined && failed.code !== 0 && !stop.aborted;
  if (isFailure)
    output.write(`cis490: the ${failed.name} ended by itself (exit ${failed.code}); stopping the others\n`);
  else output.write('\nStopping; a recording under way is finished first.\n');
  for (const program of programs) program.stop();
  await Promise.all(programs.map((program) => program.ended));
  const { recorded, stored, refused } = narrator.counts;
  const waiting = Math.max(0, recorded - stored - refused);
  const later = waiting > 0 ? `, ${waiting} to be shipped by the next start` : '';
  output.write(
    `Stopped. ${recorded} recorded, ${stored} stored, ${refused} refused${later}; the next start goes on from here.\n`,
  );
  return isFailure ? 1 : 0;
}

/** False when the receiver ended, or the run was stopped, before it answered. */
async function isAnswering(receiver: ChildProgram, port: number, { clock, stop }: AllInOneOptions): Promise<boolean> {
  let hasEnded = false;
  void receiver.ended.then(() => {
    hasEnded = true;
  });
  while (!hasEnded && !stop.aborted) {
    const isAlive = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isAlive) return true;
    await clock.sleep(50, stop);
  }
  return false;
}

async function freePort(port: number): Promise<number> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
  } catch (error) {
    throw new AppError('port-taken', `port ${port} of 127.0.0.1 is taken by another program`, {
      hint: 'take any free one: npm start -- --port 0',
      cause: error,
    });
  }
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : port;
}

/** First of all where to look: the rest scrolls away. */
function introduction(directory: string, port: number, { codeVersion, store }: PreparedRun, paint: Paint): string {
  const modified = codeVersion.dirty ? ', modified' : '';
  return [
    `dashboard  ${paint('bold', `http://127.0.0.1:${port}/`)}`,
    '',
    'CIS490: a receiver and one lab host on this machine. Ctrl-C stops it; the next start goes on from there.',
    '',
    `  receiver   http://127.0.0.1:${port}`,
    `  store      ${store}  (episodes/, and index.jsonl, the ledger)`,
    `  lab host   ${directory}/data  (episodes/, outbox/, shipped/, quarantine/)`,
    `  code       ${codeVersion.commit.slice(0, 10)}${modified}  (each episode is stamped with it; the gate takes the last 100 commits)`,
    '',
    '  look into the newest episode that was stored:',
    `  bin/cis490 episode show "$(ls -t ${store}/episodes/this-machine/*.tar.zst | head -n 1)"`,
    '',
    '',
  ].join('\n');
}
