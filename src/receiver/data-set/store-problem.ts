// What can be wrong between the ledger and the files: each with the place, what was found and the next command, as one line.

import { join } from 'node:path';
import { shellWord } from '../../lib/shell-word.ts';
import type { BlobKey } from '../../storage/blob-store.ts';

export const STORE_PROBLEM_KINDS = [
  'missing',
  'wrong-size',
  'changed',
  'unreadable',
  'bad-row',
  'bad-line',
  'unlisted',
  'retracted-left',
  'foreign',
] as const;

export interface StoreProblem {
  kind: (typeof STORE_PROBLEM_KINDS)[number];
  /** From the root of the store: the file, or `index.jsonl:12`. */
  path: string;
  /** What was found, in words. */
  detail: string;
  /** The episode that is concerned, where there is one. */
  key?: BlobKey | undefined;
}

/** The next command for a person, on the receiver unless it says otherwise. */
function cureOf({ kind, path, key }: StoreProblem, root: string): string {
  const file = shellWord(join(root, path));
  const again = key ? `on ${key.hostId}: cis490 reship --id ${key.episodeId}; or put it back from a backup` : '';
  switch (kind) {
    case 'missing':
      return again;
    case 'wrong-size':
    case 'changed':
      return `mv ${file} /var/tmp/; then ${again}`;
    case 'unreadable':
      return `ls -l ${file}; dmesg --level=err,crit`;
    case 'unlisted':
      return 'systemctl stop cis490-receiver; cis490 index backfill; systemctl start cis490-receiver';
    case 'retracted-left':
      return `rm ${file}`;
    case 'foreign':
      return `ls -ld ${file}; mv ${file} /var/tmp/`;
    case 'bad-row':
    case 'bad-line':
      return `sed -n ${path.slice(path.lastIndexOf(':') + 1)}p ${shellWord(join(root, path.slice(0, path.lastIndexOf(':'))))}`;
  }
}

/** `missing  episodes/lab-1/e.tar.zst  seq 3: …  next: …` */
export function describeProblem(problem: StoreProblem, root: string): string {
  const { kind, path, detail } = problem;
  return `${kind.padEnd(14)} ${printable(path)}  ${printable(detail)}  next: ${cureOf(problem, root)}`;
}

export function problemAsJson(problem: StoreProblem, root: string) {
  const { kind, path, detail, key } = problem;
  return { kind, path, host_id: key?.hostId, episode_id: key?.episodeId, detail, next: cureOf(problem, root) };
}

/** Names in the store may be anybody's: nothing in them may drive the terminal or begin a line. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\u2028|\u2029/gu, '?');
}
