// Builds the shipper from its configuration; runs pass after pass until told to stop, or one.

import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { dataLayout, makeDataDirectories } from './data-layout.ts';
import { ProgressLine, type Terminal } from './progress-line.ts';
import { createTransport } from './put-episode.ts';
import { ReceiverLink } from './receiver-link.ts';
import { EpisodeScanner } from './scan-episodes.ts';
import { type Pace, type PassDependencies, type PassProgress, shipPass } from './ship-pass.ts';
import type { ShipperStep } from './shipper-step.ts';
import { type ShipperState, StateFile } from './state-file.ts';

const SAVE_EVERY_MS = 1_000;

export interface ShipperOptions {
  config: LabHostConfig;
  /** One pass instead of a daemon. */
  once: boolean;
  stop: AbortSignal;
  logger: Logger;
  clock: Clock;
  /** Where progress is drawn; none without a person watching. */
  terminal?: Terminal;
  afterStep?: AfterStep<ShipperStep>;
}

/** Resolves with the exit code: of one pass 0 when nothing is left to ship, 1 when something waits; of the daemon 0. */
export async function runShipper(options: ShipperOptions): Promise<number> {
  const { config, once, stop, logger, clock } = options;
  const layout = dataLayout(config.paths.data_dir);
  await makeDataDirectories(layout);
  const lock = acquireExclusiveLock(layout.root, 'shipper');
  const progress = options.terminal && new ProgressLine(options.terminal, clock);
  const afterStep = options.afterStep ?? noStepObserver;
  const transport = createTransport({
    receiverUrl: config.receiver.url,
    bearerToken: config.receiver.bearer_token_file?.reveal(),
    connectTimeoutMs: config.receiver.connect_timeout_s * 1000,
    idleTimeoutMs: config.receiver.idle_timeout_s * 1000,
    concurrency: config.shipper.concurrency,
    afterStep,
    onSent: (bytes) => progress?.sent(bytes),
  });
  const link = new ReceiverLink(clock, Math.random);
  const state: ShipperState = {
    started_at_wall: clock.wallTime(),
    shipped: 0,
    duplicates: 0,
    quarantined: 0,
    waiting: 0,
    last: null,
    trouble: null,
  };
  const pace: Pace = { isShortOfRoom: false };
  const dependencies: PassDependencies = {
    hostId: config.host_id,
    layout,
    zstdLevel: config.shipper.zstd_level,
    transport,
    link,
    patience: once ? 'impatient' : 'patient',
    tallies: new Map(),
    scanner: new EpisodeScanner(layout, logger),
    concurrency: config.shipper.concurrency,
    pace,
    clock,
    logger,
    afterStep,
    onProgress: (pass) => {
      progress?.counted(pass.done, pass.total);
      count(state, pass);
    },
  };
  const ended = new AbortController();
  const saving = keepSaved(new StateFile(layout.stateFile), state, { link, pace, clock, logger, ended: ended.signal });
  try {
    logger.info({ host: config.host_id, receiver: config.receiver.url, data: layout.root }, 'shipper started');
    let isWhole = await passWhole(dependencies, stop);
    while (!once && !stop.aborted) {
      await clock.sleep(config.shipper.scan_interval_s * 1000, stop);
      isWhole = await passWhole(dependencies, stop);
    }
    progress?.clear();
    const { shipped, duplicates, quarantined, waiting } = state;
    if (once) logger.info({ shipped, duplicates, quarantined, waiting }, 'pass done');
    return once && (waiting > 0 || !isWhole) ? 1 : 0;
  } finally {
    transport.close();
    ended.abort();
    await saving;
    lock.release();
  }
}

/** False when the queue itself could not be worked on: a full or failing disk must not end the daemon that empties it. */
async function passWhole(dependencies: PassDependencies, stop: AbortSignal): Promise<boolean> {
  try {
    await shipPass(dependencies, stop);
    return true;
  } catch (error) {
    dependencies.logger.error({ err: error }, 'the queue could not be worked on; it is tried again');
    return false;
  }
}

/** Writes what has changed once a second, also while a pass waits for the receiver, and once more at the end. */
async function keepSaved(
  file: StateFile,
  state: ShipperState,
  from: { link: ReceiverLink; pace: Pace; clock: Clock; logger: Logger; ended: AbortSignal },
): Promise<void> {
  const { link, pace, clock, logger, ended } = from;
  for (let isLast = false; !isLast; ) {
    await clock.sleep(SAVE_EVERY_MS, ended);
    isLast = ended.aborted;
    if (pace.isShortOfRoom) state.trouble = { kind: 'no-room', code: 'disk-full' };
    else state.trouble = link.trouble ? { kind: link.trouble.kind, code: link.trouble.code } : null;
    await file
      .save(state)
      .catch((error: unknown) => logger.warn({ err: error }, 'shipper-state.json could not be written'));
  }
}

function count(state: ShipperState, { last, waiting }: PassProgress): void {
  state.waiting = waiting;
  if (!last) return;
  if (last.outcome === 'shipped') state.shipped += 1;
  if (last.outcome === 'duplicate') state.duplicates += 1;
  if (last.outcome === 'quarantined') state.quarantined += 1;
  if (last.outcome !== 'waiting' && last.outcome !== 'gone' && last.outcome !== 'no-room')
    state.last = { episode_id: last.episodeId, outcome: last.outcome };
}
