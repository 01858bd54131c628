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
import { type PassDependencies, type PassProgress, shipPass } from './ship-pass.ts';
import type { ShipperStep } from './shipper-step.ts';
import { type ShipperState, StateFile } from './state-file.ts';

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
  const stateFile = new StateFile(layout.stateFile);
  const dependencies: PassDependencies = {
    hostId: config.host_id,
    layout,
    zstdLevel: config.shipper.zstd_level,
    transport,
    link,
    patience: once ? 'impatient' : 'patient',
    attempts: new Map(),
    scanner: new EpisodeScanner(layout),
    concurrency: config.shipper.concurrency,
    clock,
    logger,
    afterStep,
    onProgress: (pass) => {
      progress?.counted(pass.done, pass.total);
      count(state, pass);
    },
  };
  try {
    logger.info({ host: config.host_id, receiver: config.receiver.url, data: layout.root }, 'shipper started');
    do {
      state.waiting = await shipPass(dependencies, stop);
      state.trouble = link.trouble ? { kind: link.trouble.kind, code: link.trouble.code } : null;
      await stateFile.save(state);
      if (!once) await clock.sleep(config.shipper.scan_interval_s * 1000, stop);
    } while (!once && !stop.aborted);
    progress?.clear();
    if (once)
      logger.info(
        {
          shipped: state.shipped,
          duplicates: state.duplicates,
          quarantined: state.quarantined,
          waiting: state.waiting,
        },
        'pass done',
      );
    return once && state.waiting > 0 ? 1 : 0;
  } finally {
    transport.close();
    lock.release();
  }
}

function count(state: ShipperState, { last }: PassProgress): void {
  if (!last) return;
  if (last.outcome === 'shipped') state.shipped += 1;
  if (last.outcome === 'duplicate') state.duplicates += 1;
  if (last.outcome === 'quarantined') state.quarantined += 1;
  if (last.outcome !== 'waiting') state.last = { episode_id: last.episodeId, outcome: last.outcome };
}
