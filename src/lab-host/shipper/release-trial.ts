// While a release is on trial nothing is quarantined: what it would refuse for good may be its own fault. Ends by itself with the trial.

import { readIfThere } from '../../lib/read-if-there.ts';
import { updateStatePath, updateStateSchema } from '../../protocol/update-state.ts';

export const ON_TRIAL = 'update-on-trial';

export class ReleaseTrial {
  readonly #path: string;
  #isTold = false;

  constructor(dataDirectory: string) {
    this.#path = updateStatePath(dataDirectory);
  }

  /** Looked up each time: few episodes are refused. What cannot be read is no trial. */
  async isOn(): Promise<boolean> {
    const isOn = await this.#look();
    if (!isOn) this.#isTold = false;
    return isOn;
  }

  /** True the first time that it keeps an episode in the queue: one line a trial is enough. */
  isNews(): boolean {
    const isNews = !this.#isTold;
    this.#isTold = true;
    return isNews;
  }

  async #look(): Promise<boolean> {
    try {
      const text = await readIfThere(this.#path);
      const pending = text === undefined ? undefined : updateStateSchema.parse(JSON.parse(text)).pending;
      return pending !== undefined && pending !== null;
    } catch {
      return false;
    }
  }
}
