// What the endpoints work with. A reload of the configuration replaces some of it in place: each request looks anew.

import type { Clock } from '../../lib/clock.ts';
import type { Control } from '../../storage/control.ts';
import type { HostState } from '../../storage/host-state.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import type { StateThresholds } from '../fleet/host-state-word.ts';
import type { Readiness } from '../readiness.ts';
import type { PutEpisodeDependencies } from './routes/put-episode.ts';

export interface RouteDependencies extends PutEpisodeDependencies {
  hostState: HostState;
  monitorState: MonitorState;
  control: Control;
  /** When a host's state is another word. */
  stateThresholds: StateThresholds;
  readiness: Readiness;
  clock: Clock;
  /** The commit that this receiver runs, or null when its tree is not stamped. */
  version: string | null;
  /** Aborts when the receiver stops: what is kept open ends then. */
  stopping: AbortSignal;
}
