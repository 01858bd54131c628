// Builds what the commands on a lab host's queue need. Those that change it run as the user whom the data belong to, one at a time, and
// finish first what a killed one has left half-way.

import { access, constants, stat } from 'node:fs/promises';
import { type AfterStep, noStepObserver } from '../../../lib/after-step.ts';
import { AppError, errnoOf, isMissing } from '../../../lib/app-error.ts';
import { becomeOwner, loginName } from '../../../lib/become-owner.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import { dataLayout, makeDataDirectories } from '../../data-layout.ts';
import type { LabHostConfig } from '../../lab-host-config.ts';
import { describeStatus } from './describe-status.ts';
import { type DrainOutcome, drainUnstamped } from './drain-unstamped.ts';
import { finishReturns } from './finish-returns.ts';
import { countOf } from './format-text.ts';
import { type ListOptions, listQuarantine } from './list-quarantine.ts';
import { type PurgeOptions, purge } from './purge.ts';
import { withQueueLock } from './queue-lock.ts';
import type { CommandOutput, QueueStep, QueueTools } from './queue-tools.ts';
import { readStatus } from './read-status.ts';
import { type RequeueOptions, type ReshipOptions, requeue, reship } from './requeue.ts';
import { showQuarantined } from './show-quarantined.ts';
import { type Change, type ChangeOptions, tellAsJson, tellEach } from './tell-changes.ts';

export interface QueueCommandOptions {
  config: LabHostConfig;
  clock: Clock;
  logger: Logger;
  output: CommandOutput;
  afterStep?: AfterStep<QueueStep>;
}

export async function runList(options: QueueCommandOptions, list: ListOptions): Promise<void> {
  await look(options, (tools) => listQuarantine(tools, list));
}

export async function runShow(options: QueueCommandOptions, id: string, json: boolean): Promise<void> {
  await look(options, (tools) => showQuarantined(tools, id, json));
}

export async function runStatus(options: QueueCommandOptions, json: boolean): Promise<void> {
  await look(options, async ({ layout, clock, output }) => {
    const status = await readStatus(layout, options.config.shipper.min_free);
    output.write(json ? `${JSON.stringify(status, null, 2)}\n` : describeStatus(status, clock.wallTime()));
  });
}

/** Each resolves with the exit code. */
export async function runRequeue(options: QueueCommandOptions, chosen: RequeueOptions): Promise<number> {
  return await change(options, chosen.dryRun, (tools) => requeue(tools, chosen));
}

export async function runReship(options: QueueCommandOptions, chosen: ReshipOptions): Promise<number> {
  return await change(options, chosen.dryRun, (tools) => reship(tools, chosen));
}

export async function runPurge(options: QueueCommandOptions, chosen: PurgeOptions): Promise<number> {
  const tools = await prepareChange(options, chosen.dryRun);
  return await purge(tools, chosen, (work) => locked(tools, work));
}

export async function runDrain(options: QueueCommandOptions, chosen: ChangeOptions): Promise<number> {
  const { dryRun, json } = chosen;
  return await change(options, dryRun, async (tools) => {
    const all = await drainUnstamped(tools, dryRun);
    const drained = all.filter(({ outcome }) => outcome === 'drained');
    const failed = all.filter(({ outcome }) => outcome === 'failed').length;
    if (json) {
      const changes = all.filter(({ outcome }) => outcome === 'drained' || outcome === 'failed');
      tellAsJson(tools, 'quarantined', chosen, changes.map(asChange));
      return failed > 0 ? 1 : 0;
    }
    const verb = dryRun ? 'would be moved to quarantine' : 'moved to quarantine';
    tellEach(tools, drained, ({ name }) => `${verb} ${name}`);
    const stay = failed > 0 ? `; ${countOf(failed)} could not be: see the errors above` : '';
    tools.output.write(
      `${countOf(drained.length)} without a stamped commit ${verb}, of ${all.length} waiting${stay}\n`,
    );
    return failed > 0 ? 1 : 0;
  });
}

function asChange({ name, outcome }: { name: string; outcome: DrainOutcome }): Change {
  return { episode_id: name, name, outcome: outcome === 'drained' ? 'quarantined' : 'stays' };
}

async function look(options: QueueCommandOptions, work: (tools: QueueTools) => Promise<void>): Promise<void> {
  const tools = makeTools(options, loginName());
  await requireDirectory(tools.layout.root);
  await work(tools).catch((error: unknown) => {
    throw errnoOf(error) === 'EACCES' ? notPermitted(tools.layout.root, error) : error;
  });
}

async function change(
  options: QueueCommandOptions,
  dryRun: boolean,
  work: (tools: QueueTools) => Promise<number>,
): Promise<number> {
  const tools = await prepareChange(options, dryRun);
  return dryRun ? await work(tools) : await locked(tools, () => work(tools));
}

/** Looking leaves nothing behind, whoever looks; what changes something is done as the user whom the data belong to. */
async function prepareChange(options: QueueCommandOptions, dryRun: boolean): Promise<QueueTools> {
  const tools = makeTools(options, loginName());
  await requireDirectory(tools.layout.root);
  if (dryRun) return tools;
  await becomeOwner(tools.layout.root);
  await makeDataDirectories(tools.layout);
  return tools;
}

async function locked<T>(tools: QueueTools, work: () => Promise<T>): Promise<T> {
  return await withQueueLock(tools.layout.root, tools.clock, async () => {
    await finishReturns(tools);
    return await work();
  });
}

function makeTools({ config, clock, logger, output, afterStep }: QueueCommandOptions, by: string): QueueTools {
  const layout = dataLayout(config.paths.data_dir);
  return { layout, clock, logger, output, by, afterStep: afterStep ?? noStepObserver };
}

async function requireDirectory(root: string): Promise<void> {
  try {
    await stat(root);
    await access(root, constants.R_OK | constants.X_OK);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') throw notPermitted(root, error);
    if (!isMissing(error)) throw error;
    throw new AppError('bad-input', `there is no ${root}`, {
      hint: 'the shipper makes it at its first start; or [paths] data_dir names another place: cis490 config check',
      cause: error,
    });
  }
}

function notPermitted(root: string, cause: unknown): AppError {
  return new AppError('not-permitted', `${loginName()} may not read ${root}`, {
    hint: 'run it again with sudo',
    cause,
  });
}
