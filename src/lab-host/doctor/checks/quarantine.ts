// What was refused for good, by its reasons, and whether it goes on.

import { join } from 'node:path';
import { z } from 'zod';
import { green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { QUARANTINE_REASON_FILE } from '../../../protocol/episode-meta.ts';
import type { Check } from '../check.ts';
import { directoriesIn } from '../directories-in.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { readSmallJson } from '../read-small-json.ts';
import { DAY_MS, nowMsOf } from '../times.ts';

// Of more than this the rest is counted, and their reasons are not read.
const MOST_READ = 5_000;
const MOST_CODES = 5;
const NO_REASON = 'no-reason';

const reasonSchema = z.looseObject({ code: z.string(), quarantined_at_wall: z.string().catch('') });

/** What keeps the next episodes from the same end, before these go back. */
const CURE_OF: Record<string, 'update' | 'stamp' | 'rights' | 'look' | 'purge'> = {
  'commit-not-in-window': 'update',
  'commit-blocked': 'update',
  'dirty-refused': 'update',
  'http-412': 'update',
  'commit-missing': 'stamp',
  'commit-malformed': 'stamp',
  'http-400': 'look',
  conflict: 'look',
  'http-409': 'look',
  'bad-episode-id': 'look',
  'episode-malformed': 'look',
  'episode-unreadable': 'rights',
  retracted: 'purge',
};

export const quarantineCheck: Check<'quarantine'> = {
  id: 'quarantine',
  timeoutMs: 30_000,
  async run(context) {
    const { layout, config, clock } = context;
    const names = await directoriesIn(layout.quarantine);
    if (names.length === 0) return green('nothing');
    const codes = new Map<string, number>();
    let recent = 0;
    for (const name of names.slice(0, MOST_READ)) {
      const reason = reasonSchema.safeParse(await readSmallJson(join(layout.quarantine, name, QUARANTINE_REASON_FILE)));
      const code = reason.data?.code ?? NO_REASON;
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (nowMsOf(clock) - Date.parse(reason.data?.quarantined_at_wall ?? '') < DAY_MS) recent += 1;
    }
    const byCount = [...codes].sort(([, a], [, b]) => b - a).slice(0, MOST_CODES);
    const { quarantine_many, quarantine_growth } = config.doctor;
    const isGrave = names.length >= quarantine_many || recent >= quarantine_growth;
    const told = byCount.map(([code, count]) => `${count} ${code}`).join(', ');
    const lately = recent === 0 ? 'none' : String(recent);
    return (isGrave ? red : yellow)(
      `${names.length} refused, ${lately} of them in the last 24 hours: ${told}`,
      ...byCount.flatMap(([code]) => curesOf(code, context)),
    );
  },
};

function curesOf(code: string, { cures, layout, user }: DoctorContext): string[] {
  const cure = Object.hasOwn(CURE_OF, code) ? CURE_OF[code] : undefined;
  const word = shellWord(code);
  if (cure === 'look') return [cures.cis490(`quarantine list --code ${word} --all`)];
  if (cure === 'purge') return [cures.cis490(`quarantine purge --code ${word} --dry-run`)];
  const quarantine = shellWord(layout.quarantine);
  const own = `sudo chown -R ${shellWord(`${user.name}:${user.group}`)} ${quarantine}`;
  const first = {
    update: cures.update,
    stamp: cures.stamp,
    rights: [own, `sudo chmod -R u+rwX ${quarantine}`],
    none: [],
  };
  return [...first[cure ?? 'none'], cures.cis490(`quarantine requeue --code ${word}`)];
}
