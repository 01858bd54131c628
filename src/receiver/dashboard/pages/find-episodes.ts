// Episodes by name, under every host where none is named: a few hosts at a time, so that a thousand of them hold nobody up.

import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { isEpisodeId, isHostId } from '../../../protocol/ids.ts';
import type { Ledger, Tally } from '../../../storage/ledger.ts';
import type { DataQuestion } from './data-question.ts';

const HOSTS_AT_ONCE = 16;

/** Retracted ones too. What is no name is nowhere. Throws the reason of `left` once the reader has gone. */
export async function findEpisodes(
  ledger: Pick<Ledger, 'find'>,
  { episode, filter }: Pick<DataQuestion, 'episode' | 'filter'>,
  hosts: readonly Pick<Tally, 'key'>[],
  left: AbortSignal,
): Promise<{ host_id: string; episode_id: string }[]> {
  const { hostId = filter.hostId, episodeId } = episode ?? { episodeId: '' };
  if (!isEpisodeId(episodeId)) return [];
  const named = hostId === undefined ? hosts.flatMap(({ key }) => (key === null ? [] : [key])) : [hostId];
  const asked = named.filter(isHostId);
  const found = [];
  for (let start = 0; start < asked.length; start += HOSTS_AT_ONCE) {
    if (start > 0) await yieldToOthers();
    left.throwIfAborted();
    const some = asked.slice(start, start + HOSTS_AT_ONCE);
    found.push(...(await Promise.all(some.map((host) => ledger.find(host, episodeId)))));
  }
  return found.flatMap((one) => (one === undefined ? [] : [one.tombstone ?? one.row]));
}
