// One pass over the queue: sweep the outbox, then every finished episode, oldest first, a few at a time. What does not fit on the disk, and
// what the receiver does not take, stands in nobody's way.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { outboxFiles } from '../data-layout.ts';
import type { Pace } from './pace.ts';
import { discardPacked } from './pack-episode.ts';
import { PassOrder } from './pass-order.ts';
import { historyBytes } from './queue-tools/queue-history.ts';
import { type EpisodeScanner, sweepOutbox } from './scan-episodes.ts';
import type { ShipDependencies, ShipOutcome } from './ship-dependencies.ts';
import { shipEpisode } from './ship-episode.ts';

export interface PassDependencies extends ShipDependencies {
  scanner: EpisodeScanner;
  concurrency: number;
  order: 'oldest-first' | 'newest-first';
  /** Goes from pass to pass. */
  pace: Pace;
  /** Called once the queue is known, and after each episode. */
  onProgress: (progress: PassProgress) => void;
}

export interface PassProgress {
  total: number;
  done: number;
  /** Not shipped and not refused, so far. */
  waiting: number;
  waitingBytes: number;
  /** Milliseconds since 1970; undefined when nothing waits. */
  oldestFinishedAtMs: number | undefined;
  last: { episodeId: string; outcome: ShipOutcome } | undefined;
}

/** Resolves with how many episodes still wait. */
export async function shipPass(dependencies: PassDependencies, stop: AbortSignal): Promise<number> {
  const { layout, scanner, logger, pace, heldBack, link, order, concurrency, onProgress } = dependencies;
  const oldestFirst = await scanner.scan();
  dependencies.gateMemory.returnsSoFar(await historyBytes(layout));
  const queue = order === 'oldest-first' ? oldestFirst : oldestFirst.toReversed();
  const waiting = new Map(oldestFirst.map((episode) => [episode.episodeId, episode]));
  const inQueue = new Set(waiting.keys());
  const { removed, packed } = await sweepOutbox(layout, inQueue, tellStuck);
  if (removed.length > 0)
    logger.info({ files: removed.length, first: removed[0] }, 'outbox: removed what nothing needs any more');
  pace.begin(inQueue);
  heldBack.keepOnly(inQueue);
  const turns = new PassOrder({
    queue: queue.map(({ episodeId }) => episodeId),
    packed: new Set(packed.filter((episodeId) => !isAlone(episodeId))),
    mostKept: concurrency,
  });
  let waitingBytes = oldestFirst.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const done = new Set<string>();
  const tell = (last: PassProgress['last']) => {
    const [oldest] = waiting.values();
    const oldestFinishedAtMs = oldest?.finishedAtMs;
    onProgress({ total: queue.length, done: done.size, waiting: waiting.size, waitingBytes, oldestFinishedAtMs, last });
  };
  tell(undefined);
  let workers = pace.isShortOfRoom ? 1 : concurrency;
  const work = async () => {
    while (!stop.aborted) {
      // Room for one is enough when one at a time is packed.
      if (pace.isShortOfRoom && workers > 1) break;
      const episodeId = turns.next(link.trouble !== undefined);
      if (episodeId === undefined) break;
      if (!pace.mayTry(episodeId) && !hasTarball(episodeId)) {
        turns.ended(episodeId, false);
        continue;
      }
      const outcome = await take(episodeId);
      done.add(episodeId);
      if (outcome !== 'waiting' && outcome !== 'no-room') {
        waitingBytes -= waiting.get(episodeId)?.sizeBytes ?? 0;
        waiting.delete(episodeId);
      }
      tell({ episodeId, outcome });
    }
    workers -= 1;
  };
  await Promise.all(Array.from({ length: workers }, work));
  pace.end();
  return waiting.size;

  async function take(episodeId: string): Promise<ShipOutcome> {
    const attempts = () => dependencies.tallies.get(episodeId)?.attempts ?? 0;
    const attemptsBefore = attempts();
    const outcome = await shipEpisode(dependencies, episodeId, stop);
    if (stop.aborted) return outcome;
    tellOfRoom(episodeId, outcome);
    const isPutOff = outcome === 'waiting' && attempts() > attemptsBefore && !isAlone(episodeId);
    const isKept = turns.ended(episodeId, isPutOff && hasTarball(episodeId));
    // The same bytes are packed again when its turn comes. What cannot be removed now is a matter of the next sweep. Of an upload that has
    // begun the receiver has a part: it is gone on with. There are no more of them than the receiver lets a host begin.
    if (!isKept && !(isPutOff && hasBegunUpload(episodeId)))
      await discardPacked(layout, episodeId).catch(() => undefined);
    return outcome;
  }

  /** Waits for a person, with its tarball, whatever the receiver does. */
  function isAlone(episodeId: string): boolean {
    return heldBack.isResting(episodeId) || heldBack.isTaken(episodeId);
  }

  function hasTarball(episodeId: string): boolean {
    return existsSync(outboxFiles(layout, episodeId).tarball);
  }

  function hasBegunUpload(episodeId: string): boolean {
    return existsSync(outboxFiles(layout, episodeId).uploadNote);
  }

  function tellStuck(name: string, error: unknown): void {
    const path = join(layout.outbox, name);
    if (pace.stuck.has(path)) return;
    pace.stuck.add(path);
    logger.error({ path, err: error, cure: `sudo rm -rf '${path}'` }, 'outbox: cannot be deleted; the queue goes on');
  }

  function tellOfRoom(episodeId: string, outcome: ShipOutcome): void {
    const news = pace.tried(episodeId, outcome !== 'no-room');
    if (news === 'short') {
      const cure = `make room: df -h ${layout.root}`;
      logger.error(
        { data: layout.root, cure },
        'no room for the files of an episode: nothing is lost, it is tried again at each scan',
      );
    } else if (news === 'room-again') logger.info({ data: layout.root }, 'there is room again');
  }
}
