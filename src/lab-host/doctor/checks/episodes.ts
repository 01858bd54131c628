// That the service can read and move every finished episode: the two top levels of episodes/, of some thousand entries.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isMissing } from '../../../lib/app-error.ts';
import { lstatIfThere } from '../../../lib/is-there.ts';
import { green, red } from '../../../lib/self-check/check-result.ts';
import { mayUse, type ServiceUser } from '../../../lib/self-check/service-user.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';

const MOST_ENTRIES = 5_000;

interface Fault {
  path: string;
  why: string;
}

export const episodesCheck: Check<'episodes'> = {
  id: 'episodes',
  timeoutMs: 30_000,
  async run({ layout, user }: DoctorContext) {
    const { episodes } = layout;
    const own = `sudo chown -R ${shellWord(`${user.name}:${user.group}`)}`;
    const word = shellWord(episodes);
    const stats = await lstatIfThere(episodes);
    if (!stats) return green('nothing was published yet');
    if (!stats.isDirectory())
      return red(`${episodes} is no directory`, `sudo mv ${word} ${shellWord(`${episodes}.aside`)}`);
    if (user.uid !== stats.uid)
      return red(`${episodes} belongs to uid ${stats.uid}, and the shipper runs as ${user.name}`, `${own} ${word}`);
    if (!mayUse(stats, user, 'read', 'write', 'enter'))
      return red(`${user.name} may not use ${episodes}`, `sudo chmod u+rwx ${word}`);

    const { faults, looked, isAll } = await lookInto(episodes, user);
    const [first] = faults;
    if (!first)
      return green(
        looked === 0
          ? 'nothing waits'
          : isAll
            ? `${looked} entries can be read`
            : `the first ${looked} entries can be read`,
      );
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
    const path = shellWord(first.path);
    return first.why === NOT_UTF8
      ? red(`${first.path}: ${first.why}${more}`, `ls -b ${word}`)
      : red(`${first.path}: ${first.why}${more}`, `ls -ld ${path}`, `${own} ${word}`, `sudo chmod -R u+rwX ${word}`);
  },
};

const NOT_UTF8 = 'its name is not UTF-8, and it cannot be shipped: rename it';

async function lookInto(episodes: string, user: ServiceUser) {
  const faults: Fault[] = [];
  let looked = 0;
  for (const name of await readdir(episodes)) {
    if (looked >= MOST_ENTRIES) return { faults, looked, isAll: false };
    looked += 1;
    const path = join(episodes, name);
    // Node replaces what is no UTF-8 in a name: no path leads there.
    if (name.includes('\ufffd')) faults.push({ path, why: NOT_UTF8 });
    else looked += await lookIntoEpisode(path, user, faults, MOST_ENTRIES - looked);
  }
  return { faults, looked, isAll: true };
}

/** How many entries it has, up to `most`. */
async function lookIntoEpisode(path: string, user: ServiceUser, faults: Fault[], most: number): Promise<number> {
  const stats = await lstatIfThere(path);
  if (!stats?.isDirectory()) return 0;
  // To move a directory is to write into it (rename(2), EACCES).
  if (!mayUse(stats, user, 'read', 'write', 'enter')) {
    faults.push({ path, why: `${user.name} may not read and move it` });
    return 0;
  }
  try {
    const names = (await readdir(path)).slice(0, most);
    for (const name of names) {
      const entry = await lstatIfThere(join(path, name));
      const isReadable = !entry || entry.isSymbolicLink() || mayUse(entry, user, 'read');
      if (!isReadable) faults.push({ path: join(path, name), why: `${user.name} may not read it` });
    }
    return names.length;
  } catch (error) {
    if (isMissing(error)) return 0;
    // The doctor's own want of rights says nothing of the shipper's.
    if (errnoOf(error) === 'EACCES') throw error;
    faults.push({ path, why: `it cannot be read (${errnoOf(error)})` });
    return 0;
  }
}
