// The clock as the programs under it see it, by libfaketime (man faketime): it runs faster, is wrong, or steps while they run.

import { renameSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { hasSystemPart } from './system-part.ts';

// ld.so puts the machine's own directory in place of $LIB. The one for several threads: Node has them.
const LIBRARY = '/usr/$LIB/faketime/libfaketimeMT.so.1';

export function canFakeTime(t: TestContext): boolean {
  return hasSystemPart(t, ['faketime', '--version'], 'faketime');
}

/** For a program all of whose clocks run so many times as fast. Its time-outs run faster, too. */
export function hurried(times: number): NodeJS.ProcessEnv {
  return { LD_PRELOAD: LIBRARY, FAKETIME: `+0 x${times}`, NO_FAKE_STAT: '1' };
}

/** The wall clock of all programs that are started with its environment. Their monotonic clock is the true one. */
export class SteppingClock {
  readonly #path: string;
  readonly environment: NodeJS.ProcessEnv;

  /** `path`: a file of its own. `time` as in `set`. */
  constructor(path: string, time: string) {
    this.#path = path;
    this.environment = {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
      TZ: 'UTC',
    };
    this.set(time);
  }

  /** `+1y`, `-365d`: so far from the true time · `@1970-01-01 00:00:00`: counts from there · without the `@`: stands still. In force at once. */
  set(time: string): void {
    writeFileSync(`${this.#path}.new`, time);
    renameSync(`${this.#path}.new`, this.#path);
  }
}
