// Where an episode in `episodes/` stands, told from the disk alone, so that a start after a crash needs no memory.

import type { EpisodeState } from './episode-transitions.ts';

/** A receipt outweighs a reason: what the receiver has is never quarantined. */
export function episodeState({
  hasReceipt,
  hasReason,
}: {
  hasReceipt: boolean;
  hasReason: boolean;
}): Extract<EpisodeState, 'published' | 'receipted' | 'condemned'> {
  if (hasReceipt) return 'receipted';
  return hasReason ? 'condemned' : 'published';
}
