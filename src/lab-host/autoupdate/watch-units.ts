// Whether the units of a release on trial are well, look by look. What starts, or drains, gets its time.

import { lookAtUnit, ORCHESTRATOR_UNIT, type UnitState } from './units.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

// systemd's own time to stop what does not stop, and to start it again.
const BEYOND_DRAIN_MS = 60_000;

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

  /** `at`: at the end of the window what is still not up is no longer on its way. */
  async fault(at: 'within' | 'end'): Promise<string | undefined> {
    for (const unit of this.#units) {
      const fault = this.#faultOf(unit, await lookAtUnit(this.#dependencies, unit), at);
      if (fault !== undefined) return `${unit} ${fault}`;
    }
    return undefined;
  }

  #faultOf(unit: string, state: UnitState, at: 'within' | 'end'): string | undefined {
    const { active, sub, restarts, result } = state;
    const why = result === '' ? '' : ` (${result})`;
    const fewest = Math.min(this.#fewest.get(unit) ?? restarts, restarts);
    this.#fewest.set(unit, fewest);
    if (restarts > fewest) return `was restarted by systemd${why}`;
    if (active === 'failed') return `has failed${why}`;
    if (active === 'activating' && sub === 'auto-restart') return `has ended${why}`;
    if (active === 'active' || active === 'reloading') return undefined;
    if (active === 'deactivating' && unit === ORCHESTRATOR_UNIT) return this.#drainFault();
    return at === 'end' ? `is ${active || 'unknown'}${why}` : undefined;
  }

  #drainFault(): string | undefined {
    const { clock, config } = this.#dependencies;
    const drainMs = config.orchestrator.drain_max_s * 1000;
    if (clock.monotonicMs() - this.#beganAtMs <= drainMs + BEYOND_DRAIN_MS) return undefined;
    return `has not ended within ${config.orchestrator.drain_max_s} s`;
  }
}
