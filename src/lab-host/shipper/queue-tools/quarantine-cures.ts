// What a refusal means, and the one command that cures it or sends the episodes again.

import { shellWord } from '../../../lib/shell-word.ts';

interface Cure {
  meaning: string;
  /** Both are words of a shell already. */
  command: (code: string, name: string) => string;
}

const requeue = (code: string) => `cis490 quarantine requeue --code ${code}`;
const look = (_code: string, name: string) => `cis490 quarantine show ${name}`;

const CURES: Record<string, Cure> = {
  'commit-missing': {
    meaning: 'they do not say which commit made them; once the receiver takes such episodes:',
    command: requeue,
  },
  'commit-malformed': {
    meaning: 'what they name as their commit is none; once the receiver takes such episodes:',
    command: requeue,
  },
  'commit-not-in-window': {
    meaning:
      'made by code that is not current; once the gate takes it again (on the receiver: cis490 gate allow COMMIT):',
    command: requeue,
  },
  'commit-blocked': {
    meaning: 'made by code that is known to record bad data; if the block is taken back (cis490 gate unblock COMMIT):',
    command: requeue,
  },
  'dirty-refused': {
    meaning: 'made from a modified tree; once the receiver takes such episodes (dirty = "accept"):',
    command: requeue,
  },
  'too-large': {
    meaning: 'larger than the receiver takes; once max_episode_bytes is raised there:',
    command: requeue,
  },
  conflict: { meaning: 'the receiver has another episode under this id; compare the two:', command: look },
  retracted: { meaning: 'retracted on the receiver, which never takes this id again:', command: purge },
  'bad-episode-id': { meaning: 'the name of the directory is no valid episode id; look which:', command: look },
  'bad-host-id': { meaning: 'host_id is not valid; once it is mended in the configuration:', command: requeue },
  'episode-unreadable': {
    meaning: 'files that the shipper may not or cannot read; once they can be read:',
    command: requeue,
  },
  'episode-malformed': { meaning: 'files that no tarball can carry; look which:', command: look },
  'episode-changing': {
    meaning: 'they changed while they were packed; once their recorder is done:',
    command: requeue,
  },
};

/** `name`: of one such episode. */
export function cureOf(code: string, name: string): { meaning: string; command: string } {
  const cure = Object.hasOwn(CURES, code) ? CURES[code] : undefined;
  if (!cure) return { meaning: 'refused by the receiver; once that is cured:', command: requeue(shellWord(code)) };
  return { meaning: cure.meaning, command: cure.command(shellWord(code), shellWord(name)) };
}

function purge(code: string): string {
  return `cis490 quarantine purge --code ${code}`;
}
