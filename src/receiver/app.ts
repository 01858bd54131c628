// Builds the receiver from its configuration, runs it until told to stop, and ends it with nothing half-done.

import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { ServerOptions as TlsServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { AfterStep } from '../lib/after-step.ts';
import { AppError, messageOf } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Notifier } from '../lib/sd-notify.ts';
import { EST_PREFIX } from '../protocol/est.ts';
import type { UnfinishedBlob } from '../storage/blob-store.ts';
import { openStorage, type Storage } from '../storage/open-storage.ts';
import type { StorageStep, UploadStep } from '../storage/storage-step.ts';
import { AttemptCounter } from './attempts/attempt-counter.ts';
import type { EnrolmentStep } from './certificates/enroller.ts';
import { LiveAuthority } from './certificates/live-authority.ts';
import { keepServerCertificate } from './certificates/renew-server-certificate.ts';
import { loadX509Library } from './certificates/x509-library.ts';
import { LiveEvents } from './events/live-events.ts';
import { watchChanges } from './events/watch-changes.ts';
import { FleetView } from './fleet/fleet-view.ts';
import { BODY_PACE } from './http/body-pace.ts';
import { connectionLimit } from './http/connection-limit.ts';
import { LingeringCloser } from './http/lingering-close.ts';
import type { AnswerStep } from './http/routes/put-episode.ts';
import type { UploadAnswerStep } from './http/routes/upload-exchange.ts';
import { createReceiverServer, type ServerDependencies } from './http/server.ts';
import { Sessions } from './identity/sessions.ts';
import { finishPublished } from './ingest/commit-episode.ts';
import { EpisodeLocks } from './ingest/episode-locks.ts';
import { Room } from './ingest/room.ts';
import { createLiveParts, type LiveParts, type LivePartsOptions } from './live-parts.ts';
import { ReceiverMetrics } from './metrics/receiver-metrics.ts';
import { Readiness } from './readiness.ts';
import type { ReceiverConfig } from './receiver-config.ts';
import { reload, takeOverCertificates } from './reload.ts';
import { keepExpiring } from './uploads/expire-uploads.ts';
import { UnfinishedUploads } from './uploads/unfinished-uploads.ts';

export type ReceiverStep = StorageStep | AnswerStep;
/** Those that a resumable upload has beside. */
export type ResumableStep = UploadStep | UploadAnswerStep;

// What is under way gets this long to end by itself; a clean stop takes 10 s at most.
const DRAIN_MS = 8_000;

const LIMITS = { headersMs: 20_000, handshakeMs: 20_000, keepAliveMs: 75_000, pace: BODY_PACE };

export interface ReceiverOptions {
  config: ReceiverConfig;
  /** The commit that this receiver runs, or null when its tree is not stamped. */
  version: string | null;
  /** A git checkout of the recording code on this machine, for when the forge does not answer. */
  checkoutPath?: string;
  stop: AbortSignal;
  /** Told to read its configuration again: `load` does, `subscribe` says when. */
  reloads?: { load: () => Promise<ReceiverConfig>; subscribe: (listener: () => void) => void };
  notifier?: Notifier;
  logger: Logger;
  clock: Clock;
  afterStep?: AfterStep<ReceiverStep | ResumableStep | EnrolmentStep>;
}

/** Resolves with the exit code. Throws AppErrors that keep it from starting. */
export async function runReceiver(options: ReceiverOptions): Promise<number> {
  const { config, logger, clock, version } = options;
  const metrics = new ReceiverMetrics({
    version,
    connectionLimit: connectionLimit(),
    backupStamp: config.store.backup_stamp,
    clock,
    logger,
  });
  const storage = await openStorage({
    root: config.store.root,
    logger,
    watchSync: metrics.watchSync,
    ...(options.afterStep && { afterStep: options.afterStep }),
  });
  try {
    return await serve({ ...options, metrics }, storage);
  } finally {
    await storage.close();
  }
}

async function serve(options: ReceiverOptions & { metrics: ReceiverMetrics }, storage: Storage): Promise<number> {
  const { config, metrics, logger, clock, version, stop, afterStep, checkoutPath } = options;
  const ended = new AbortController();
  const over = AbortSignal.any([stop, ended.signal]);
  let exitCode = 0;
  const onFatal = (error: unknown) => {
    const cure = error instanceof AppError ? error.hint : undefined;
    logger.error({ err: error, cure }, 'the receiver cannot go on and stops');
    exitCode = 1;
    ended.abort();
  };

  const live = new LiveEvents(clock);
  const fleet = new FleetView({ ledger: storage.ledger, hostState: storage.hostState, live, clock, logger });
  fleet.expect(config.fleet.expected_hosts);
  const attemptCounter = new AttemptCounter(storage.attempts, clock, logger, live);
  const room = new Room(() => storage.blobs.freeBytes(), config.store.min_free);
  const authority = new LiveAuthority({ storeRoot: config.store.root, clock, logger });
  // Now, and not while episodes arrive.
  if (authority.set) await loadX509Library();
  const { control, enrolments } = storage;
  // Kept across reloads: nobody has to log in again for a change of the configuration.
  const sessions = new Sessions(clock);
  const liveOptions = { checkoutPath, control, enrolments, fleet, sessions, clock, logger };
  const { parts, tls } = createLiveParts({ ...liveOptions, config });
  const dependencies: ServerDependencies & LiveParts = {
    ...storage,
    ...parts,
    locks: new EpisodeLocks(),
    room,
    unfinished: new UnfinishedUploads(clock, () => dependencies.uploadLimits),
    fleet,
    live,
    sessions,
    authority,
    attemptCounter,
    metrics,
    readiness: new Readiness({
      blobs: storage.blobs,
      clock,
      current: () => ({ gate: dependencies.gate, minFreeBytes: room.minFreeBytes }),
    }),
    lingering: new LingeringCloser(),
    limits: { ...LIMITS, connections: connectionLimit() },
    clock,
    logger,
    version,
    stopping: over,
    onFatal,
    ...(afterStep && { afterStep }),
  };
  try {
    await serveUntil(over, {
      ...options,
      dependencies,
      tls,
      liveOptions,
      recovered: await recover({ ...storage, ...dependencies }),
    });
    return exitCode;
  } finally {
    await dependencies.gate.close();
  }
}

interface Serving extends ReceiverOptions {
  dependencies: ServerDependencies & LiveParts;
  tls: TlsServerOptions | undefined;
  liveOptions: Omit<LivePartsOptions, 'config'>;
  recovered: UnfinishedBlob[];
}

type Recovering = Pick<ServerDependencies, 'blobs' | 'uploads' | 'unfinished' | 'room' | 'logger'>;

async function serveUntil(over: AbortSignal, serving: Serving): Promise<void> {
  const { config, dependencies, tls, liveOptions, recovered, reloads, notifier, logger } = serving;
  const { fleet, attemptCounter, room, authority, onFatal, clock } = dependencies;
  const server = createReceiverServer(dependencies, tls);
  const takeOver = () => {
    if (authority.lookNow()) takeOverCertificates({ server, live: dependencies }, logger);
  };
  server.on('connection', (socket: Socket) => dependencies.metrics.connected(socket));
  // Before anything of a connection or a request is judged.
  for (const event of ['connection', 'request', 'checkContinue', 'checkExpectation']) {
    server.prependListener(event, (of: Socket | IncomingMessage) => {
      // What was issued under the authority of a second ago would have to be issued again.
      const isEnrolment = 'url' in of && of.url?.startsWith(EST_PREFIX) === true;
      if (isEnrolment) takeOver();
      else if (authority.look()) takeOverCertificates({ server, live: dependencies }, logger);
    });
  }
  const address = await listen(server, config);
  logger.info({ url: `${tls ? 'https' : 'http'}://${address}`, store: config.store.root }, 'receiver is listening');
  notifier?.ready();

  let reloading = Promise.resolve();
  reloads?.subscribe(() => {
    const targets = { server, live: dependencies, room, fleet };
    takeOver();
    reloading = reloading.then(() => reload(reloads.load, config, liveOptions, targets));
  });
  // In the background. The first, each under its id's lock: a PUT of the same id does the same and waits.
  const background = [
    finishPublished(dependencies, recovered, over).catch(onFatal),
    fleet.run(over).catch((error: unknown) => logger.error({ err: error }, 'the fleet view could not be kept')),
    attemptCounter
      .run(over)
      .catch((error: unknown) => logger.error({ err: error }, 'attempt counts could not be kept')),
    keepExpiring(dependencies, over),
    watchChanges({ ...dependencies, head: () => dependencies.gate.head() }, over),
    keepServerCertificate({ storeRoot: config.store.root, current: () => dependencies, takeOver, clock, logger }, over),
  ];

  if (!over.aborted) await once(over, 'abort');
  logger.info('receiver is stopping');
  notifier?.stopping();
  await closeServer(server);
  await attemptCounter.close();
  await reloading;
  await Promise.all(background);
}

/** What a crash left: bodies that were never published go, uploads stay; what was published gets its row while the server is up. */
async function recover({ blobs, uploads, unfinished, room, logger }: Recovering): Promise<UnfinishedBlob[]> {
  const fromPuts = await blobs.recover();
  const fromUploads = await uploads.recover();
  if (fromPuts.removed.files > 0) {
    logger.info(
      { ...fromPuts.removed },
      'incoming: removed bodies that a crash had cut off; nobody was told that they are stored',
    );
  }
  if (fromUploads.removed.files > 0)
    logger.info({ ...fromUploads.removed }, 'uploads: removed what was only half-made');
  unfinished.restore(fromUploads, await uploads.readAges(), room);
  if (fromUploads.uploads.length > 0) logger.info(unfinished.sums(), 'uploads: under way, and may be gone on with');
  const published = [...fromPuts.unfinished, ...fromUploads.unfinished];
  if (published.length > 0)
    logger.info({ episodes: published.length }, 'incoming: completing episodes without their rows');
  return published;
}

async function listen(server: Server, { listen: { host, port } }: ReceiverConfig): Promise<string> {
  try {
    server.listen({ host, port, backlog: 1024 });
    await once(server, 'listening');
  } catch (error) {
    throw new AppError('cannot-listen', `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
      hint: `see who has the port: ss -ltnp 'sport = :${port}'; or set [listen] port`,
      cause: error,
    });
  }
  const address = server.address() as AddressInfo;
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // A connection that was busy at that moment is kept alive after its answer, unless somebody looks again.
  const looking = setInterval(() => server.closeIdleConnections(), 50);
  const deadline = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(looking);
  clearTimeout(deadline);
}
