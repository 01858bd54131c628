// update-state.json as the updater reads and changes it: each change is made under the lock that the guard takes, too, and is durable.

import { dirname, join } from 'node:path';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { writeFileDurably } from '../../lib/durable-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { formatUpdateState, type UpdateState, updateStateSchema } from '../../protocol/update-state.ts';
import { withStateLock } from './state-lock.ts';

export interface UpdateStateFileOptions {
  path: string;
  /** The directory of the guard, where the lock lies. */
  guard: string;
  clock: Clock;
  logger: Logger;
}

export class UpdateStateFile {
  readonly #options: UpdateStateFileOptions;

  constructor(options: UpdateStateFileOptions) {
    this.#options = options;
  }

  /** Of a file that cannot be understood: nothing, and a copy of it is kept. */
  async read(): Promise<UpdateState> {
    const { path, logger } = this.#options;
    const text = await readIfThere(path);
    if (text === undefined) return {};
    const state = updateStateSchema.safeParse(parseJson(text)).data;
    if (state) return state;
    logger.warn({ path, kept: `${path}.bad` }, 'update-state.json cannot be understood: it is begun anew');
    await writeFileDurably(`${path}.bad`, text).catch((error: unknown) =>
      logger.warn({ err: error }, 'no copy of it could be kept'),
    );
    return {};
  }

  /** `next` is given what stands there under the lock; undefined leaves it. Throws `update-state-held`. */
  async change(next: (state: UpdateState) => UpdateState | undefined): Promise<void> {
    const { path, guard, clock } = this.#options;
    await makeDirectory(guard);
    await makeDirectory(dirname(path));
    const outcome = await withStateLock(guard, clock, async () => {
      const changed = next(await this.read());
      if (changed) await writeFileDurably(path, formatUpdateState(withoutNothing(changed)), { mode: 0o644 });
    });
    if (outcome.kind === 'done') return;
    throw new AppError('update-state-held', `${path} is held by process ${outcome.holder.split(':')[1]} for too long`, {
      hint: `look at who holds it: readlink ${join(guard, 'update-state.lock')}; systemctl status cis490-update-guard`,
      retryable: true,
    });
  }
}

/** So that no key stands twice when the guard adds one. */
function withoutNothing(state: UpdateState): UpdateState {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined && value !== null));
}
