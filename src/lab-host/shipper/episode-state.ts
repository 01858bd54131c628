// The life of an episode on its host: what each state is on the disk, and where each event leads. docs/transport.md says the same in
// words. The compiler holds the table complete: a new state or event does not build until every cell of it is thought about.

import type { Verdict } from '../transport/classify-answer.ts';

/** Each can be told from the disk alone, so that a start after a crash needs no memory. */
export type EpisodeState =
  /** In episodes/, without a whole tarball: pack it. */
  | 'published'
  /** In episodes/, with a tarball in outbox/ whose sidecar agrees with it: send it. */
  | 'packed'
  /** In episodes/, with receipt.json: the receiver has it. Only the move to shipped/ is missing. */
  | 'receipted'
  /** In episodes/, with quarantine_reason.json: refused for good. Only the move to quarantine/ is missing. */
  | 'condemned'
  | 'shipped'
  | 'quarantined'
  | 'deleted';

/** A receipt outweighs a reason: what the receiver has is never quarantined. */
export function episodeState({
  hasReceipt,
  hasReason,
}: {
  hasReceipt: boolean;
  hasReason: boolean;
}): 'published' | 'receipted' | 'condemned' {
  if (hasReceipt) return 'receipted';
  return hasReason ? 'condemned' : 'published';
}

export type EpisodeEvent =
  /** The tarball and its sidecar are durable under their names. */
  | 'packed'
  /** It changed while it was packed, or there was no room: nothing was kept. */
  | 'not-packed'
  /** It can never be packed: unreadable, malformed, changing again and again, a name that is no id. */
  | 'unpackable'
  /** The gate, asked, refuses all episodes of its code. */
  | 'gate-confirmed'
  /** 201 or 200: the receiver has it. */
  | 'accepted'
  /** Refused for its own fault. */
  | 'refused'
  /** Refused, but so many others were with the same code that it is not believed. */
  | 'braked'
  /** Other bytes arrived than were packed, and the tarball is good. */
  | 'damaged-on-the-way'
  /** Other bytes arrived than were packed, and the tarball is bad. */
  | 'damaged-here'
  /** Accepted or refused, and its note cannot be written into it: it waits alone. */
  | 'not-noted'
  /** Not the episode's fault: held, or to be tried later. No answer at all is this too. */
  | 'put-off'
  /** The rename out of episodes/ is durable, the tarball is gone. */
  | 'moved'
  /** By a person, or by the shipper when the gate accepts its code again. */
  | 'requeued'
  /** By a person, after a receiver was restored from an older backup. */
  | 'reshipped'
  /** Kept long enough, or (of shipped ones) in the way on a full disk; or purged by a person. */
  | 'expired';

/** `never`: the program does not let it happen. */
type Next = EpisodeState | 'never';

const NOTHING: Record<EpisodeEvent, 'never'> = {
  packed: 'never',
  'not-packed': 'never',
  unpackable: 'never',
  'gate-confirmed': 'never',
  accepted: 'never',
  refused: 'never',
  braked: 'never',
  'damaged-on-the-way': 'never',
  'damaged-here': 'never',
  'not-noted': 'never',
  'put-off': 'never',
  moved: 'never',
  requeued: 'never',
  reshipped: 'never',
  expired: 'never',
};

export const TRANSITIONS: Record<EpisodeState, Record<EpisodeEvent, Next>> = {
  published: {
    ...NOTHING,
    packed: 'packed',
    'not-packed': 'published',
    unpackable: 'condemned',
    'gate-confirmed': 'condemned',
    'not-noted': 'published',
  },
  packed: {
    ...NOTHING,
    packed: 'packed',
    // Its source has changed since: what was packed of it is not sent.
    'not-packed': 'published',
    unpackable: 'condemned',
    'gate-confirmed': 'condemned',
    accepted: 'receipted',
    refused: 'condemned',
    braked: 'packed',
    'damaged-on-the-way': 'packed',
    'damaged-here': 'published',
    'not-noted': 'packed',
    'put-off': 'packed',
  },
  receipted: { ...NOTHING, moved: 'shipped' },
  condemned: { ...NOTHING, moved: 'quarantined' },
  shipped: { ...NOTHING, reshipped: 'published', expired: 'deleted' },
  quarantined: { ...NOTHING, requeued: 'published', expired: 'deleted' },
  deleted: NOTHING,
};

/** What an answer is to the episode; a damaged one depends on what its tarball is found to be. */
export const EVENT_OF_VERDICT: Record<Exclude<Verdict['kind'], 'damaged'>, EpisodeEvent> = {
  shipped: 'accepted',
  duplicate: 'accepted',
  fatal: 'refused',
  held: 'put-off',
  transient: 'put-off',
};

/** Throws when the program has let happen what the table forbids. */
export function after(state: EpisodeState, event: EpisodeEvent): EpisodeState {
  const next = TRANSITIONS[state][event];
  if (next === 'never') throw new Error(`an episode that is ${state} cannot be ${event}`);
  return next;
}
