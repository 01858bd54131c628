// What the endpoints work with. A reload of the configuration replaces some of it in place: each request looks anew.

import type { AfterStep } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Control } from '../../storage/control.ts';
import type { Enrolments } from '../../storage/enrolments.ts';
import type { HostState } from '../../storage/host-state.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import type { ReleasesReader } from '../../storage/releases.ts';
import type { RollOuts } from '../../storage/roll-out.ts';
import type { EnrolmentStep } from '../certificates/enroller.ts';
import type { LiveAuthority } from '../certificates/live-authority.ts';
import type { LiveEvents } from '../events/live-events.ts';
import type { StateThresholds } from '../fleet/host-state-word.ts';
import type { Sessions } from '../identity/sessions.ts';
import type { Readiness } from '../readiness.ts';
import type { ReceiverConfig } from '../receiver-config.ts';
import type { AnswerStep, PutEpisodeDependencies } from './routes/put-episode.ts';
import type { UploadAnswerStep, UploadRouteDependencies } from './routes/upload-exchange.ts';

export interface RouteDependencies
  extends Omit<PutEpisodeDependencies, 'afterStep'>,
    Omit<UploadRouteDependencies, 'afterStep'> {
  hostState: HostState;
  monitorState: MonitorState;
  control: Control;
  releases: ReleasesReader;
  rollOuts: RollOuts;
  enrolments: Enrolments;
  authority: LiveAuthority;
  listen: ReceiverConfig['listen'];
  live: LiveEvents;
  /** Of browsers. */
  sessions: Sessions;
  /** How long what it hands out is good for. */
  certificates: ReceiverConfig['certificates'];
  /** When a host's state is another word. */
  stateThresholds: StateThresholds;
  readiness: Readiness;
  clock: Clock;
  /** The commit that this receiver runs, or null when its tree is not stamped. */
  version: string | null;
  /** Aborts when the receiver stops: what is kept open ends then. */
  stopping: AbortSignal;
  afterStep?: AfterStep<AnswerStep | UploadAnswerStep | EnrolmentStep>;
}
