// One attempt to store an episode, by a PUT or by a resumable upload: who may make it, whose it counts as, and the lines that tell of it.

import type { IncomingMessage } from 'node:http';
import type { Logger } from '../../lib/logger.ts';
import type { StoredAnswer } from '../../protocol/answers.ts';
import { isHostId } from '../../protocol/ids.ts';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import type { FleetView } from '../fleet/fleet-view.ts';
import { allows, type Principal } from '../identity/principal.ts';
import type { Refusal } from '../ingest/check-episode.ts';
import type { ProblemAnswer } from './problem-answer.ts';

const LONGEST_LOGGED = 256;

/** What was asked for, as it came. */
export interface EpisodeAttempt {
  rawHostId: string;
  rawEpisodeId: string;
  requestId: string;
}

export type Asked = { kind: 'known'; principal: Principal } | (Refusal & { principal?: Principal });

export function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Whether whoever asks may write this host's episodes. */
export function judgeWriter(principal: Principal, rawHostId: string): Asked {
  if (allows(principal, 'write-episode', rawHostId)) return { kind: 'known', principal };
  const detail =
    principal.role === 'host'
      ? `this credential is host ${principal.hostId}'s, and writes its episodes alone`
      : 'this credential may not write episodes';
  return { kind: 'refused', code: 'forbidden', detail, principal };
}

/**
 * Whose attempt it was. A credential of one host on another's path is that one's own failure; without a credential that counts,
 * only a host that is known can be meant: nobody may fill the views with names, or ring an alarm for a host that is well.
 */
export function hostToCount(
  fleet: Pick<FleetView, 'heard' | 'isKnown'>,
  rawHostId: string,
  asked: Asked,
): string | undefined {
  if (asked.principal?.role === 'host') {
    fleet.heard(asked.principal.hostId);
    return asked.principal.hostId;
  }
  if (!isHostId(rawHostId)) return undefined;
  if (asked.kind === 'refused') return fleet.isKnown(rawHostId) ? rawHostId : undefined;
  fleet.heard(rawHostId);
  return rawHostId;
}

/** Other programs read this line. What is given here has no white space in it. */
export function logRejected(
  logger: Logger,
  { rawHostId, rawEpisodeId, requestId }: EpisodeAttempt,
  code: ProblemCode,
): void {
  const host = rawHostId.slice(0, LONGEST_LOGGED);
  const episode = rawEpisodeId.slice(0, LONGEST_LOGGED);
  const reason = code === 'commit-missing' ? ' missing X-Cis490-Code-Commit' : '';
  logger.warn({ request_id: requestId }, `rejected episode host=${host} episode=${episode} code=${code}${reason}`);
}

export function logStored(
  logger: Logger,
  { host_id: host, episode_id: episode, seq, bytes, commit, gate }: SequencedRow,
): void {
  const source = typeof gate === 'object' ? gate['source'] : gate;
  logger.info({ host, episode, seq, bytes, commit: commit ?? undefined, gate: source }, 'episode stored');
}

export function storedAnswer(status: 200 | 201, row: SequencedRow): ProblemAnswer {
  const answer: StoredAnswer = {
    status: status === 201 ? 'stored' : 'duplicate',
    host_id: row.host_id,
    episode_id: row.episode_id,
    sha256: row.sha256,
    bytes: row.bytes,
    received_at_wall: row.received_at_wall,
    seq: row.seq,
  };
  return { status, headers: { 'Content-Type': 'application/json' }, body: `${JSON.stringify(answer)}\n` };
}
