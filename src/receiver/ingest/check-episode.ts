// Everything that is asked of an episode PUT before its body is read, in the contract's order: the first refusal is the answer.

import { AppError } from '../../lib/app-error.ts';
import { readDeclaredDigest } from '../../protocol/digests.ts';
import { HEADER } from '../../protocol/headers.ts';
import { EPISODE_SUFFIX, isEpisodeId, isHostId } from '../../protocol/ids.ts';
import type { GateDecision, SequencedRow, SequencedTombstone } from '../../protocol/ledger-row.ts';
import type { ProblemCode, ProblemExtras } from '../../protocol/problem.ts';
import type { BlobKey, BlobStore } from '../../storage/blob-store.ts';
import type { Ledger } from '../../storage/ledger.ts';
import type { GateVerdict, VersionGate } from '../version-gate/version-gate.ts';
import type { Reservation, Room } from './room.ts';

export type HeaderLookup = (name: string) => string | undefined;

export interface Refusal {
  kind: 'refused';
  code: ProblemCode;
  detail: string;
  extras?: ProblemExtras;
}

export type CheckOutcome =
  | Refusal
  | { kind: 'duplicate'; row: SequencedRow }
  | {
      kind: 'accepted';
      key: BlobKey;
      sha256: string;
      declaredBytes: number | undefined;
      commit: string | undefined;
      dirty: boolean;
      schemaVersion: string | undefined;
      gate: GateDecision;
      reservation: Reservation;
    };

export interface CheckDependencies {
  gate: Pick<VersionGate, 'judge'>;
  ledger: Pick<Ledger, 'find'>;
  blobs: Pick<BlobStore, 'stat'>;
  room: Room;
  maxEpisodeBytes: number;
  /** The commands that cure the code of a host; null where the host is not known. */
  remediationFor: (hostId: string | null) => string;
}

/** Step 2 of the order, on the two segments behind /v1/episodes/ as they came on the wire. */
export function readIds(rawHostId: string, rawName: string): Refusal | { kind: 'ids'; key: BlobKey } {
  if (!isHostId(rawHostId)) {
    return refused('bad-host-id', 'the host id must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit');
  }
  const episodeId = rawName.endsWith(EPISODE_SUFFIX) ? rawName.slice(0, -EPISODE_SUFFIX.length) : rawName.split('.')[0];
  if (episodeId === undefined || !isEpisodeId(episodeId)) {
    return refused(
      'bad-episode-id',
      'the episode id must be 1 to 128 of A-Z a-z 0-9 . _ - and start with a letter or digit',
    );
  }
  if (!rawName.endsWith(EPISODE_SUFFIX)) return refused('bad-suffix', `the name must end in ${EPISODE_SUFFIX}`);
  return { kind: 'ids', key: { hostId: rawHostId, episodeId } };
}

/** Steps 3 to 7. An `accepted` outcome holds a reservation that the caller must release. */
export async function checkEpisode(
  { gate, ledger, blobs, room, maxEpisodeBytes, remediationFor }: CheckDependencies,
  key: BlobKey,
  header: HeaderLookup,
): Promise<CheckOutcome> {
  const dirty = header(HEADER.dirty)?.trim() === '1';
  const verdict = await gate.judge({ commit: header(HEADER.commit), dirty });
  if (verdict.kind !== 'accepted') return gateRefusal(verdict, remediationFor(key.hostId));

  const digest = readDeclaredDigest(header);
  if (digest.kind === 'missing') {
    return refused('digest-missing', 'send X-Content-SHA256 (64 hex digits), Repr-Digest or Content-Digest');
  }
  if (digest.kind === 'malformed') return refused('digest-malformed', digest.detail);

  const notPlain = checkPlainBody(header);
  if (notPlain) return notPlain;
  const length = header('content-length');
  const declaredBytes = length === undefined ? undefined : Number(length);
  if (declaredBytes !== undefined && declaredBytes > maxEpisodeBytes) return tooLarge(maxEpisodeBytes);

  let reservation: Reservation;
  try {
    reservation = await room.reserve(declaredBytes);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'disk-reserve') throw error;
    // What is there already needs no room: it must get its receipt, or its host would keep it for ever.
    const stored = await findStored(ledger, blobs, key, digest.sha256);
    return stored?.kind === 'duplicate' ? stored : refused('disk-reserve', error.message);
  }
  try {
    const stored = await findStored(ledger, blobs, key, digest.sha256);
    if (stored) {
      reservation.release();
      return stored;
    }
  } catch (error) {
    reservation.release();
    throw error;
  }
  const { sha256 } = digest;
  const schemaVersion = header(HEADER.schemaVersion);
  return {
    kind: 'accepted',
    key,
    sha256,
    declaredBytes,
    commit: verdict.commit,
    dirty,
    schemaVersion,
    gate: verdict.decision,
    reservation,
  };
}

/** The whole body, as it is, and in no coding but chunked. */
export function checkPlainBody(header: HeaderLookup): Refusal | undefined {
  if (header('content-range') !== undefined)
    return refused('content-range-refused', 'send the whole body, without Content-Range');
  const encoding = header('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== '') {
    return refused('encoding-refused', 'send the .tar.zst as it is, without Content-Encoding');
  }
  const transfer = header('transfer-encoding')?.trim().toLowerCase() ?? 'chunked';
  if (transfer !== 'chunked') return refused('encoding-refused', 'of transfer codings only chunked is taken');
  return undefined;
}

export function tooLarge(maxEpisodeBytes: number): Refusal {
  return refused('too-large', `this receiver takes episodes of up to ${maxEpisodeBytes} bytes`);
}

export function conflict(row: SequencedRow): Refusal {
  const detail = `${row.host_id}/${row.episode_id} is stored with another content since ${row.received_at_wall}`;
  return { kind: 'refused', code: 'conflict', detail, extras: { stored_sha256: row.sha256 } };
}

export function retracted({ host_id, episode_id, retracted_at_wall, reason }: SequencedTombstone): Refusal {
  return refused('retracted', `${host_id}/${episode_id} was retracted at ${retracted_at_wall}: ${reason}`);
}

/** A row whose file has gone, or has another size, is no reason to turn the data away: then the body is taken, and the file is whole again. */
async function findStored(
  ledger: CheckDependencies['ledger'],
  blobs: CheckDependencies['blobs'],
  key: BlobKey,
  sha256: string,
): Promise<CheckOutcome | undefined> {
  const found = await ledger.find(key.hostId, key.episodeId);
  if (!found) return undefined;
  if (found.tombstone) return retracted(found.tombstone);
  const { row } = found;
  if (row.sha256 !== sha256) return conflict(row);
  return (await blobs.stat(key))?.sizeBytes === row.bytes ? { kind: 'duplicate', row } : undefined;
}

export function gateRefusal(verdict: Exclude<GateVerdict, { kind: 'accepted' }>, remediation: string): Refusal {
  if (verdict.kind === 'cannot-know') {
    return refused(verdict.code, 'the source of the commits does not answer; the episode itself was not judged');
  }
  const { code, yourCommit, headCommit, headDistance } = verdict;
  const extras: ProblemExtras = { remediation, your_commit: yourCommit, head_commit: headCommit };
  if (headDistance !== undefined) extras.head_distance = headDistance;
  return { kind: 'refused', code, detail: GATE_DETAILS[code] ?? code, extras };
}

const GATE_DETAILS: Partial<Record<ProblemCode, string>> = {
  'commit-missing': 'the request has no X-Cis490-Code-Commit: the recorder is not stamped with the commit it runs',
  'commit-malformed': 'X-Cis490-Code-Commit must be a full git commit, 40 or 64 hex digits',
  'commit-not-in-window':
    'the code that recorded this episode is too old or is not on the branch; update it as the remediation says',
  'commit-blocked': 'the maintainer has blocked this commit, because it is known to make bad data',
  'dirty-refused': 'the episode was recorded by modified code, and this receiver takes clean commits only',
};

function refused(code: ProblemCode, detail: string): Refusal {
  return { kind: 'refused', code, detail };
}
