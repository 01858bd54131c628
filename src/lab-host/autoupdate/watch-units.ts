// Whether the units of a release on trial are well, look by look. What starts, or drains, gets its time.

import { messageOf } from '../../lib/app-error.ts';
import { lookAtUnit, ORCHESTRATOR_UNIT, type UnitState } from './units.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

// systemd's own time to stop what does not stop, and to start it again.
const BEYOND_DRAIN_MS = 60_000;

export interface UnitFault {
  why: string;
  /** It may be over by itself: a unit that starts or stops, a systemd that does not answer. */
  mayPass: boolean;
}

export class UnitWatch {
  readonly #dependencies: Pick<UpdateDependencies, 'run' | 'config' | 'clock'>;
  readonly #units: readonly string[];
  readonly #beganAtMs: number;
  /** The fewest restarts seen: a restart by hand begins the count anew, and comes when the old process has ended. */
  readonly #fewest = new Map<string, number>();

  constructor(dependencies: Pick<UpdateDependencies, 'run' | 'config' | 'clock'>, units: readonly string[]) {
    this.#dependencies = dependencies;
    this.#units = units;
    this.#beganAtMs = dependencies.clock.monotonicMs();
  }

  /** One that will not pass before one that may. */
  async fault(): Promise<UnitFault | undefined> {
    let passing: UnitFault | undefined;
    for (const unit of this.#units) {
      const fault = await this.#look(unit);
      if (fault?.mayPass === false) return fault;
      passing ??= fault;
    }
    return passing;
  }

  async #look(unit: string): Promise<UnitFault | undefined> {
    let state: UnitState;
    try {
      state = await lookAtUnit(this.#dependencies, unit);
    } catch (error) {
      return { why: messageOf(error), mayPass: true };
    }
    const { active, result } = state;
    const why = result === '' ? '' : ` (${result})`;
    const failure = this.#failureOf(unit, state);
    if (failure !== undefined) return { why: `${unit} ${failure}${why}`, mayPass: false };
    if (active === 'active' || active === 'reloading') return undefined;
    if (active === 'deactivating' && unit === ORCHESTRATOR_UNIT) return this.#drainFault();
    return { why: `${unit} is ${active || 'unknown'}${why}`, mayPass: true };
  }

  #failureOf(unit: string, { active, sub, restarts }: UnitState): string | undefined {
    const fewest = Math.min(this.#fewest.get(unit) ?? restarts, restarts);
    this.#fewest.set(unit, fewest);
    if (restarts > fewest) return 'was restarted by systemd';
    if (active === 'failed') return 'has failed';
    if (active === 'activating' && sub === 'auto-restart') return 'has ended';
    return undefined;
  }

  #drainFault(): UnitFault | undefined {
    const { clock, config } = this.#dependencies;
    const drainMs = config.orchestrator.drain_max_s * 1000;
    if (clock.monotonicMs() - this.#beganAtMs <= drainMs + BEYOND_DRAIN_MS) return undefined;
    return { why: `${ORCHESTRATOR_UNIT} has not ended within ${config.orchestrator.drain_max_s} s`, mayPass: false };
  }
}
