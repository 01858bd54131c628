// Builds the shipper from its configuration; runs pass after pass until told to stop, or one.

import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Notifier } from '../../lib/sd-notify.ts';
import type { Terminal } from '../../lib/terminal-line.ts';
import { type DataLayout, dataLayout, makeDataDirectories } from '../data-layout.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { CredentialFiles } from '../transport/credentials.ts';
import { askAgain, keepAsking } from './ask-again.ts';
import { BandwidthLimit } from './bandwidth-limit.ts';
import { CleanUp } from './clean-up.ts';
import { heartbeatCollector } from './collect-heartbeat.ts';
import { GateMemory } from './gate-memory.ts';
import { HeldBack } from './held-back.ts';
import { ShipperMetrics } from './metrics.ts';
import { keepMetricsFile } from './metrics-textfile.ts';
import { Pace } from './pace.ts';
import { ProgressLine } from './progress-line.ts';
import { createTransport } from './put-episode.ts';
import { finishReturns } from './queue-tools/finish-returns.ts';
import { withQueueLock } from './queue-tools/queue-lock.ts';
import { ReceiverLink } from './receiver-link.ts';
import { RefusalBrake } from './refusal-brake.ts';
import { type RefusalRow, readRefusalsInARow } from './refusals-in-a-row.ts';
import { ReleaseTrial } from './release-trial.ts';
import { runHeartbeats } from './run-heartbeats.ts';
import { EpisodeScanner } from './scan-episodes.ts';
import { type PassDependencies, shipPass } from './ship-pass.ts';
import { ShipperStatus } from './shipper-status.ts';
import type { ShipperStep } from './shipper-step.ts';
import { StateFile } from './state-file.ts';
import { Upkeep } from './upkeep.ts';
import { Uptime } from './uptime.ts';
import { Watermark } from './watermark.ts';

const SAVE_EVERY_MS = 1_000;
const UPKEEP_EVERY_MS = 5_000;
const LOCK_PATIENCE_MS = 1_000;
// Each change of it starts a child process, which tells systemd.
const STATUS_EVERY_MS = 30_000;

export interface ShipperOptions {
  config: LabHostConfig;
  /** The root of the installed release, whose VERSION heartbeats tell. */
  installRoot: string;
  /** One pass instead of a daemon. */
  once: boolean;
  stop: AbortSignal;
  /** Told to read its configuration again: `load` does, `subscribe` says when. */
  reloads?: { load: () => Promise<LabHostConfig>; subscribe: (listener: () => void) => void };
  notifier?: Notifier;
  logger: Logger;
  clock: Clock;
  /** Where progress is drawn; none without a person watching. */
  terminal?: Terminal;
  afterStep?: AfterStep<ShipperStep>;
}

/** Resolves with the exit code: of one pass 0 when nothing is left to ship, 1 when something waits; of the daemon 0. */
export async function runShipper(options: ShipperOptions): Promise<number> {
  const layout = dataLayout(options.config.paths.data_dir);
  await makeDataDirectories(layout);
  const lock = acquireExclusiveLock(layout.root, 'shipper');
  try {
    return await run(options, layout);
  } finally {
    lock.release();
  }
}

async function run(options: ShipperOptions, layout: DataLayout): Promise<number> {
  const { config, once, stop, logger, clock, notifier } = options;
  const { receiver, shipper } = config;
  const progress = options.terminal && new ProgressLine(options.terminal, clock);
  const afterStep = options.afterStep ?? noStepObserver;
  const link = new ReceiverLink(clock, Math.random);
  const pace = new Pace();
  const status = new ShipperStatus(clock, link, pace);
  const metrics = new ShipperMetrics(clock);
  const credentials = new CredentialFiles({
    bearerToken: receiver.bearer_token_file,
    tls: receiver.tls,
    clock,
    logger,
  });
  const settings: Settings = { inForce: config };
  const transport = createTransport({
    receiverUrl: receiver.url,
    credentials,
    bandwidthLimit:
      shipper.bandwidth_limit === undefined ? undefined : new BandwidthLimit(shipper.bandwidth_limit, clock),
    connectTimeoutMs: receiver.connect_timeout_s * 1000,
    idleTimeoutMs: receiver.idle_timeout_s * 1000,
    concurrency: shipper.concurrency,
    resumableAboveBytes: () => settings.inForce.shipper.resumable_above,
    clock,
    logger,
    afterStep,
    onUploadMoved: () => link.movedOn(),
    onSent: (bytes) => {
      status.sent(bytes);
      metrics.sent(bytes);
      progress?.sent(bytes);
      notifier?.alive();
    },
  });
  const uptime = await Uptime.load(layout.uptimeFile, clock);
  const dependencies: PassDependencies = {
    hostId: config.host_id,
    layout,
    zstdLevel: shipper.zstd_level,
    transport: metrics.timing(transport),
    link,
    patience: once ? 'impatient' : 'patient',
    tallies: new Map(),
    gateMemory: new GateMemory(transport, clock),
    brake: new RefusalBrake(await refusalsBefore(layout, logger)),
    heldBack: new HeldBack(clock),
    trial: new ReleaseTrial(layout.root),
    uptime,
    scanner: new EpisodeScanner(layout, logger),
    concurrency: shipper.concurrency,
    order: shipper.order,
    pace,
    clock,
    logger,
    afterStep,
    onPacked: ({ sizeBytes }, tookMs) => metrics.packed(sizeBytes, tookMs),
    onVerdict: (episodeId, verdict) => {
      status.verdict(episodeId, verdict);
      metrics.verdict(episodeId, verdict);
    },
    onWork: () => notifier?.alive(),
    onProgress: (pass) => {
      progress?.counted(pass.done, pass.total);
      status.progress(pass);
      metrics.progress(pass);
      notifier?.alive();
    },
  };
  const upkeep = createUpkeep(options, dependencies, uptime, settings);
  const { reloads } = options;
  reloads?.subscribe(() => void reload(reloads.load, settings, { dependencies, credentials, logger }));
  const collect = heartbeatCollector({
    hostId: config.host_id,
    layout,
    installRoot: options.installRoot,
    workloads: config.orchestrator.workload.map(({ name }) => name),
    snapshot: () => status.snapshot(layout.quarantine),
    clock,
  });
  const rescan = async () => {
    const queue = await dependencies.scanner.scan().catch(() => undefined);
    if (queue) status.backlog(queue);
  };
  let isPassing = true;
  const ended = new AbortController();
  const over = AbortSignal.any([stop, ended.signal]);
  try {
    logger.info({ host: config.host_id, receiver: receiver.url, data: layout.root }, 'shipper started');
    await finishCutShort(dependencies);
    await upkeep.run(over);
    if (once) await askAgain(dependencies, over);
    const beside = [
      keepSaved(new StateFile(layout.stateFile), status, { clock, logger, ended: ended.signal, notifier }),
      keepMetricsFile({
        path: () => settings.inForce.shipper.metrics_textfile,
        metrics,
        status,
        layout,
        credentials,
        installRoot: options.installRoot,
        clock,
        logger,
        ended: ended.signal,
      }),
      ...(once ? [] : [keepUp(upkeep, { clock, over, hasWork: () => isPassing && !link.trouble, rescan, notifier })]),
      ...(once ? [] : [keepAsking(dependencies, over)]),
      ...(once ? [] : [runHeartbeats({ transport, collect, clock, random: Math.random, stop: over, logger })]),
    ];
    try {
      notifier?.ready();
      const passWhole = wholePasses(dependencies, stop);
      let isWhole = await passWhole();
      while (!once && !stop.aborted) {
        isPassing = false;
        await clock.sleep(shipper.scan_interval_s * 1000, stop);
        isPassing = true;
        isWhole = await passWhole();
      }
      progress?.clear();
      const { shipped, duplicates, quarantined, waiting } = status.now();
      if (once) logger.info({ shipped, duplicates, quarantined, waiting }, 'pass done');
      return once && (waiting > 0 || !isWhole) ? 1 : 0;
    } finally {
      notifier?.stopping();
      ended.abort();
      await Promise.all(beside);
      await uptime
        .save()
        .catch((error: unknown) => logger.warn({ err: error }, 'shipper-uptime.json could not be written'));
    }
  } finally {
    transport.close();
  }
}

/** What a reload replaces; everything that asks does so anew. */
interface Settings {
  inForce: LabHostConfig;
}

function createUpkeep(
  { logger, clock }: ShipperOptions,
  { layout }: PassDependencies,
  uptime: Uptime,
  settings: Settings,
): Upkeep {
  const shipper = () => settings.inForce.shipper;
  return new Upkeep({
    watermark: new Watermark({ layout, minFreeBytes: () => shipper().min_free, clock, logger }),
    cleanUp: new CleanUp({
      layout,
      clock,
      uptime,
      logger,
      shippedKeepDays: () => shipper().shipped_keep_days,
      quarantineKeepDays: () => shipper().quarantine_keep_days,
    }),
    cleanUpEveryMs: () => shipper().quarantine_cleanup_interval_s * 1000,
    locked: (work) => withQueueLock(layout.root, clock, work, LOCK_PATIENCE_MS),
    uptime,
    clock,
    logger,
  });
}

async function refusalsBefore(layout: DataLayout, logger: Logger): Promise<RefusalRow | undefined> {
  try {
    return await readRefusalsInARow(layout);
  } catch (error) {
    logger.warn({ err: error }, 'what was refused before this start is not known: refusals are counted anew');
    return undefined;
  }
}

/** What a killed command has left half-way between quarantine/ or shipped/ and the queue. */
async function finishCutShort({ layout, clock, logger }: PassDependencies): Promise<void> {
  const tools = { layout, clock, logger, by: 'shipper', afterStep: noStepObserver };
  try {
    await withQueueLock(layout.root, clock, async () => void (await finishReturns(tools)), LOCK_PATIENCE_MS);
  } catch (error) {
    logger.warn({ err: error }, 'what a command may have left half-way is finished by the next one');
  }
}

/** SIGHUP: a bad configuration is told, and the old one stays in force. */
async function reload(
  load: () => Promise<LabHostConfig>,
  settings: Settings,
  from: { dependencies: PassDependencies; credentials: CredentialFiles; logger: Logger },
): Promise<void> {
  const { dependencies, credentials, logger } = from;
  try {
    const next = await load();
    const before = settings.inForce;
    settings.inForce = next;
    const { zstd_level, order } = next.shipper;
    Object.assign(dependencies, { zstdLevel: zstd_level, order });
    credentials.lookAgain();
    const fixed = ({ host_id, paths, receiver, shipper }: LabHostConfig) =>
      JSON.stringify([host_id, paths, receiver, shipper.bandwidth_limit, shipper.scan_interval_s, shipper.concurrency]);
    if (fixed(before) !== fixed(next)) {
      const what = 'host_id, [paths], [receiver], bandwidth_limit, scan_interval_s, concurrency';
      logger.warn({ what }, 'a change of these takes effect at the next restart');
    }
    logger.info('configuration and credentials read again');
  } catch (error) {
    const cure = error instanceof AppError ? error.hint : undefined;
    logger.error({ reason: messageOf(error), cure }, 'the new configuration is not usable; the old one stays in force');
  }
}

/** While there is work, its own progress alone tells systemd that it goes on: a pass that hangs is to be killed. */
async function keepUp(
  upkeep: Upkeep,
  from: {
    clock: Clock;
    over: AbortSignal;
    hasWork: () => boolean;
    /** A pass lasts as long as the trouble: what has been recorded since must still be counted. */
    rescan: () => Promise<void>;
    notifier: Notifier | undefined;
  },
): Promise<void> {
  const { clock, over, hasWork, rescan, notifier } = from;
  while (!over.aborted) {
    await clock.sleep(UPKEEP_EVERY_MS, over);
    if (over.aborted) return;
    await upkeep.run(over);
    if (!hasWork()) {
      notifier?.alive();
      await rescan();
    }
  }
}

/**
 * A pass that resolves with false when the queue itself could not be worked on: a full or failing disk must not end the daemon that empties
 * it. The same reason is told once, however many passes it lasts.
 */
function wholePasses(dependencies: PassDependencies, stop: AbortSignal): () => Promise<boolean> {
  let told: string | undefined;
  return async () => {
    try {
      await shipPass(dependencies, stop);
      told = undefined;
      return true;
    } catch (error) {
      const cure = error instanceof AppError ? error.hint : undefined;
      const reason = messageOf(error);
      if (reason !== told)
        dependencies.logger.error({ err: error, cure }, 'the queue could not be worked on; it is tried again');
      told = reason;
      return false;
    }
  };
}

/** Writes what has changed once a second, also while a pass waits for the receiver, and once more at the end. */
async function keepSaved(
  file: StateFile,
  status: ShipperStatus,
  from: { clock: Clock; logger: Logger; ended: AbortSignal; notifier: Notifier | undefined },
): Promise<void> {
  const { clock, logger, ended, notifier } = from;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  for (let isLast = false; !isLast; ) {
    await clock.sleep(SAVE_EVERY_MS, ended);
    isLast = ended.aborted;
    if (clock.monotonicMs() - toldAtMs >= STATUS_EVERY_MS) {
      toldAtMs = clock.monotonicMs();
      notifier?.status(status.line());
    }
    await file
      .save(status.now())
      .catch((error: unknown) => logger.warn({ err: error }, 'shipper-state.json could not be written'));
  }
}
