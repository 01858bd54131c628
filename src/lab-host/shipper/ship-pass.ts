// One pass over the queue: sweep the outbox, then every finished episode, oldest first, a few at a time.

import { join } from 'node:path';
import { type EpisodeScanner, sweepOutbox } from './scan-episodes.ts';
import { type ShipDependencies, type ShipOutcome, shipEpisode } from './ship-episode.ts';

export interface PassDependencies extends ShipDependencies {
  scanner: EpisodeScanner;
  concurrency: number;
  order: 'oldest-first' | 'newest-first';
  pace: Pace;
  /** Called once the queue is known, and after each episode. */
  onProgress: (progress: PassProgress) => void;
}

/** Goes from pass to pass: while the disk is short, one episode at a time is packed, so that room for one is enough. */
export interface Pace {
  isShortOfRoom: boolean;
  /** What was told of already. */
  stuck: Set<string>;
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
  const { layout, scanner, logger, pace, order, onProgress } = dependencies;
  const oldestFirst = await scanner.scan();
  const queue = order === 'oldest-first' ? oldestFirst : oldestFirst.toReversed();
  const swept = await sweepOutbox(layout, new Set(queue.map(({ episodeId }) => episodeId)), tellStuck);
  if (swept.length > 0)
    logger.info({ files: swept.length, first: swept[0] }, 'outbox: removed what nothing needs any more');
  const waiting = new Map(oldestFirst.map((episode) => [episode.episodeId, episode]));
  let waitingBytes = oldestFirst.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  const tell = (last: PassProgress['last']) => {
    const [oldest] = waiting.values();
    const oldestFinishedAtMs = oldest?.finishedAtMs;
    onProgress({ total: queue.length, done, waiting: waiting.size, waitingBytes, oldestFinishedAtMs, last });
  };
  tell(undefined);
  let next = 0;
  let isFull = false;
  const work = async () => {
    while (!stop.aborted && !isFull) {
      const episodeId = queue[next]?.episodeId;
      next += 1;
      if (episodeId === undefined) return;
      const outcome = await shipEpisode(dependencies, episodeId, stop);
      done += 1;
      if (outcome !== 'waiting' && outcome !== 'no-room') {
        waitingBytes -= waiting.get(episodeId)?.sizeBytes ?? 0;
        waiting.delete(episodeId);
      }
      isFull ||= outcome === 'no-room';
      tellOfRoom(outcome);
      tell({ episodeId, outcome });
    }
  };
  await Promise.all(Array.from({ length: pace.isShortOfRoom ? 1 : dependencies.concurrency }, work));
  return waiting.size;

  function tellStuck(name: string, error: unknown): void {
    const path = join(layout.outbox, name);
    if (pace.stuck.has(path)) return;
    pace.stuck.add(path);
    logger.error({ path, err: error, cure: `sudo rm -rf '${path}'` }, 'outbox: cannot be deleted; the queue goes on');
  }

  function tellOfRoom(outcome: ShipOutcome): void {
    if (outcome === 'no-room' && !pace.isShortOfRoom) {
      const cure = `make room: df -h ${layout.root}`;
      logger.error(
        { data: layout.root, cure },
        'no room to pack an episode: nothing is lost, it is tried again at each scan',
      );
      pace.isShortOfRoom = true;
    } else if ((outcome === 'shipped' || outcome === 'duplicate') && pace.isShortOfRoom) {
      logger.info({ data: layout.root }, 'there is room again');
      pace.isShortOfRoom = false;
    }
  }
}
