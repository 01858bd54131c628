// Builds the receiver from its configuration, runs it until told to stop, and ends it with nothing half-done.

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AfterStep } from '../lib/after-step.ts';
import { AppError, messageOf } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { openStorage, type Storage } from '../storage/open-storage.ts';
import type { StorageStep } from '../storage/storage-step.ts';
import { createAuthenticator } from './http/authentication.ts';
import { LingeringCloser } from './http/lingering-close.ts';
import type { AnswerStep } from './http/routes/put-episode.ts';
import { createReceiverServer, type ServerDependencies } from './http/server.ts';
import { finishPublished } from './ingest/commit-episode.ts';
import { EpisodeLocks } from './ingest/episode-locks.ts';
import { Room } from './ingest/room.ts';
import type { ReceiverConfig } from './receiver-config.ts';
import { gitSource, staticSource } from './version-gate/commit-source.ts';
import { createOpenGate, createVersionGate, type VersionGate } from './version-gate/version-gate.ts';

export type ReceiverStep = StorageStep | AnswerStep;

// What is under way gets this long to end by itself; a clean stop takes 10 s at most.
const DRAIN_MS = 8_000;

const GIT_REMEDIATION = [
  'cd /opt/cis490 && sudo -u cis490 git pull origin main',
  'sudo /opt/cis490/scripts/install-lab-host.sh',
  'sudo systemctl restart cis490-orchestrator',
];

export interface ReceiverOptions {
  config: ReceiverConfig;
  /** The commit that this receiver runs, or null when its tree is not stamped. */
  version: string | null;
  stop: AbortSignal;
  logger: Logger;
  clock: Clock;
  afterStep?: AfterStep<ReceiverStep>;
}

/** Resolves with the exit code. Throws AppErrors that keep it from starting. */
export async function runReceiver(options: ReceiverOptions): Promise<number> {
  const { config, logger, stop } = options;
  const storage = await openStorage({
    root: config.store.root,
    logger,
    ...(options.afterStep && { afterStep: options.afterStep }),
  });
  try {
    return await serve(options, storage, stop);
  } finally {
    await storage.close();
  }
}

async function serve(options: ReceiverOptions, storage: Storage, stop: AbortSignal): Promise<number> {
  const { config, logger, clock, version, afterStep } = options;
  const ended = new AbortController();
  let exitCode = 0;
  const dependencies: ServerDependencies = {
    ...storage,
    locks: new EpisodeLocks(),
    room: new Room(() => storage.blobs.freeBytes(), config.store.min_free),
    gate: createGate(config, clock, logger),
    maxEpisodeBytes: config.store.max_episode_bytes,
    remediation: (config.version_gate.remediation ?? GIT_REMEDIATION).join('\n'),
    authenticate: createAuthenticator(config.auth.fleet_token_sha256),
    lingering: new LingeringCloser(),
    clock,
    logger,
    version,
    onFatal: (error) => {
      logger.error({ err: error, cure: error.hint }, 'the receiver cannot go on and stops');
      exitCode = 1;
      ended.abort();
    },
    ...(afterStep && { afterStep }),
  };
  const unfinished = await storage.blobs.recover();
  const server = createReceiverServer(dependencies);
  const address = await listen(server, config);
  logger.info({ url: `http://${address}`, store: config.store.root }, 'receiver is listening');
  const over = AbortSignal.any([stop, ended.signal]);
  // In the background, each under its id's lock: a PUT of the same id does the same and waits.
  const finishing = finishPublished(dependencies, unfinished, over);
  if (!over.aborted) await once(over, 'abort');
  logger.info('receiver is stopping');
  await closeServer(server);
  await finishing;
  return exitCode;
}

function createGate({ version_gate: gate }: ReceiverConfig, clock: Clock, logger: Logger): VersionGate {
  if (!gate.enabled) {
    logger.warn('version gate is off: episodes of any code are stored ([version_gate] enabled = false)');
    return createOpenGate();
  }
  const source = gate.commits
    ? staticSource(gate.commits)
    : gitSource(gate.local_repo_path ?? '', gate.branch, gate.window);
  // A list from the configuration is the window itself.
  const window = gate.commits?.length ?? gate.window;
  const policy = { window, blockedCommits: new Set(gate.blocked_commits), dirty: gate.dirty };
  return createVersionGate({ source, policy, refreshMs: gate.refresh_s * 1000, clock, logger });
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
