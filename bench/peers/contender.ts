// What all contenders have in common: started in a directory of their own, given a turn each round, ended.

import type { Episode } from '../load.ts';
import type { LoadProcess } from '../load-process.ts';

export interface Turn {
  episodes: Episode[];
  sizeBytes: number;
  atOnce: number;
  expectedStatus: number;
  load: LoadProcess;
}

export interface RunningContender {
  /** Only servers have one. */
  port?: number;
  pid?: number;
  /** Seconds from the first request to the last answer. */
  take(turn: Turn): Promise<number>;
  /** Where the content of a stored episode must now be. */
  fileOf(episode: Episode): string;
  /** What else must be true of what it stored; throws when it is not. */
  verify?(episodes: readonly Episode[], sha256s: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface Contender {
  name: string;
  /** The command that installs it, when it is not there. */
  missing(): string | undefined;
  start(directory: string): Promise<RunningContender>;
}
