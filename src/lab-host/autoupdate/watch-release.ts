// A release on trial, watched for its window: units, the way to the receiver, and an episode stored if any waits.

import { join } from 'node:path';
import { messageOf } from '../../lib/app-error.ts';
import { readCurrent, releasePath } from './install-layout.ts';
import { judgeShipping, readShipperFacts, type ShipperFacts, type Shipping } from './shipper-progress.ts';
import { SHIPPER_UNIT } from './units.ts';
import type { UpdateDependencies } from './update-dependencies.ts';
import { UnitWatch } from './watch-units.ts';

export interface Trial {
  from: string;
  to: string;
  /** Those that ran before. */
  units: readonly string[];
  /** What the shipper had written before the restart. */
  before: ShipperFacts | undefined;
}

export type WatchOutcome =
  | { kind: 'good' }
  /** `isBlameless`: what is wrong is wrong with the old release, too. */
  | { kind: 'bad'; why: string; isBlameless: boolean }
  /** The guard, or a person, has changed the link meanwhile. */
  | { kind: 'taken-back' }
  | { kind: 'stopped' };

const LOOK_EVERY_MS = 5_000;
const PING_EVERY_MS = 30_000;
// What is on its way up at the end of the window.
const GRACE_MS = 30_000;

export async function watchRelease(dependencies: UpdateDependencies, trial: Trial): Promise<WatchOutcome> {
  const { clock, stop, layout, config, logger } = dependencies;
  const windowMs = config.autoupdate.health_window_s * 1000;
  const endMs = clock.monotonicMs() + windowMs;
  const units = new UnitWatch(dependencies, trial.units);
  const ping = new Ping(dependencies, trial.to);
  let shipping: Shipping = { kind: 'fine', why: undefined };
  logger.info({ commit: trial.to, seconds: windowMs / 1000, units: trial.units.join(' ') }, 'update: watching');
  for (;;) {
    const leftMs = endMs - clock.monotonicMs();
    await clock.sleep(leftMs > 0 ? Math.min(LOOK_EVERY_MS, leftMs) : LOOK_EVERY_MS, stop);
    if (stop.aborted) return { kind: 'stopped' };
    if ((await readCurrent(layout)) !== trial.to) return { kind: 'taken-back' };
    const overMs = clock.monotonicMs() - endMs;
    const fault = await units.fault();
    if (fault && (!fault.mayPass || overMs >= GRACE_MS)) return { kind: 'bad', why: fault.why, isBlameless: false };
    await ping.again(overMs >= 0);
    if (overMs < 0) continue;
    shipping = await shippingOf(dependencies, trial);
    if (fault === undefined && ping.isGood && shipping.kind === 'fine') break;
    if (overMs < GRACE_MS) continue;
    if (!ping.isGood)
      return { kind: 'bad', why: ping.said, isBlameless: !(await pings(dependencies, trial.from)).isGood };
    if (shipping.kind !== 'fine') return { kind: 'bad', why: shipping.why, isBlameless: false };
  }
  logger.info(
    { commit: trial.to, ...(shipping.why && { not_judged: shipping.why }) },
    'update: it has stood its trial',
  );
  return { kind: 'good' };
}

async function shippingOf({ config }: UpdateDependencies, { units, before }: Trial): Promise<Shipping> {
  if (!units.includes(SHIPPER_UNIT)) return { kind: 'fine', why: 'no shipper ran here' };
  return judgeShipping(before, await readShipperFacts(config.paths.data_dir));
}

/** Good once is good: the way may be down for a moment at any time. */
class Ping {
  readonly #dependencies: UpdateDependencies;
  readonly #commit: string;
  #nextAtMs = Number.NEGATIVE_INFINITY;
  isGood = false;
  said = '';

  constructor(dependencies: UpdateDependencies, commit: string) {
    this.#dependencies = dependencies;
    this.#commit = commit;
  }

  async again(isDue: boolean): Promise<void> {
    const nowMs = this.#dependencies.clock.monotonicMs();
    if (this.isGood || (!isDue && nowMs < this.#nextAtMs)) return;
    this.#nextAtMs = nowMs + PING_EVERY_MS;
    Object.assign(this, await pings(this.#dependencies, this.#commit));
  }
}

async function pings(
  { run, layout, configPath }: UpdateDependencies,
  commit: string,
): Promise<{ isGood: boolean; said: string }> {
  const program = join(releasePath(layout, commit), 'bin/cis490');
  try {
    const answer = await run(program, ['shipper', '--ping', '--config', configPath]);
    if (answer.kind === 'absent') return { isGood: false, said: 'shipper --ping cannot be run' };
    if (answer.code === 0) return { isGood: true, said: '' };
    const failed =
      answer.stdout.split('\n').find((line) => line.startsWith('failed')) ?? answer.stderr.split('\n')[0] ?? '';
    return {
      isGood: false,
      said: `shipper --ping: ${failed.trim().replaceAll(/\s+/g, ' ').slice(0, 300) || `exit code ${answer.code}`}`,
    };
  } catch (error) {
    return { isGood: false, said: `shipper --ping: ${messageOf(error)}` };
  }
}
