// What the endpoints work with. A reload of the configuration replaces some of it in place: each request looks anew.

import type { Clock } from '../../lib/clock.ts';
import type { HostState } from '../../storage/host-state.ts';
import type { Readiness } from '../readiness.ts';
import type { PutEpisodeDependencies } from './routes/put-episode.ts';

export interface RouteDependencies extends PutEpisodeDependencies {
  hostState: HostState;
  readiness: Readiness;
  clock: Clock;
  /** The commit that this receiver runs, or null when its tree is not stamped. */
  version: string | null;
  /** Aborts when the receiver stops: what is kept open ends then. */
  stopping: AbortSignal;
}
