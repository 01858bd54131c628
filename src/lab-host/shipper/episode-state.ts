// Where an episode in `episodes/` stands, told from the disk alone, so that a start after a crash needs no memory.

export type EpisodeState =
  /** Finished by the recorder: pack it, unless its tarball is there, and put it. */
  | 'published'
  /** The receiver has it, and its receipt says so: only the move to shipped/ is missing. */
  | 'receipted'
  /** Refused for good, and its reason says why: only the move to quarantine/ is missing. */
  | 'condemned';

/** A receipt outweighs a reason: what the receiver has is never quarantined. */
export function episodeState({ hasReceipt, hasReason }: { hasReceipt: boolean; hasReason: boolean }): EpisodeState {
  if (hasReceipt) return 'receipted';
  return hasReason ? 'condemned' : 'published';
}
