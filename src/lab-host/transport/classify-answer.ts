// What one answer of the receiver means for the episode and for the queue. By the problem's code; by status for the older receiver.

import { z } from 'zod';
import { parseJson } from '../../lib/parse-json.ts';
import { PROBLEMS, type ProblemCode, receivedProblemSchema } from '../../protocol/problem.ts';

export interface ReceiverAnswer {
  status: number;
  contentType: string;
  body: string;
  retryAfterS: number | undefined;
}

export interface Refused {
  /** 0 where no answer came, or nothing was sent. */
  status: number;
  code: string;
  detail: string;
  remediation?: string | undefined;
  headCommit?: string | undefined;
}

export type Verdict =
  /** `answer` is the body as an object where it was one, for the receipt. */
  | { kind: 'shipped' | 'duplicate'; answer: Record<string, unknown> }
  /** This episode's own fault: it goes to quarantine. */
  | ({ kind: 'fatal' } & Refused)
  /** What was sent is not what was packed: look at the tarball. */
  | ({ kind: 'damaged' } & Refused)
  /** Not the episode's fault, and not one that time alone cures: everything waits. */
  | ({ kind: 'held' } & Refused)
  | ({ kind: 'transient'; retryAfterS: number | undefined } & Refused);

/** It is not known to be stored. */
export type NotStored = Extract<Verdict, Refused>;
export type Treatment = NotStored['kind'];

export const TREATMENT_BY_CODE = {
  'bad-host-id': 'fatal',
  'bad-episode-id': 'fatal',
  'bad-suffix': 'fatal',
  'commit-missing': 'fatal',
  'commit-malformed': 'fatal',
  'commit-not-in-window': 'fatal',
  'commit-blocked': 'fatal',
  'dirty-refused': 'fatal',
  conflict: 'fatal',
  retracted: 'fatal',
  'too-large': 'fatal',
  'digest-mismatch': 'damaged',
  'bad-request': 'held',
  'bad-target': 'held',
  'bad-query': 'held',
  'bad-body': 'held',
  gone: 'held',
  'range-not-satisfiable': 'held',
  'headers-too-large': 'held',
  'digest-missing': 'held',
  'digest-malformed': 'held',
  'content-range-refused': 'held',
  'credential-missing': 'held',
  'credential-invalid': 'held',
  forbidden: 'held',
  'not-found': 'held',
  'method-not-allowed': 'held',
  'encoding-refused': 'held',
  'expectation-failed': 'held',
  'request-timeout': 'transient',
  'internal-error': 'transient',
  'file-missing': 'transient',
  'not-ready': 'transient',
  'database-busy': 'transient',
  'too-many-followers': 'transient',
  'gate-unknown': 'transient',
  'gate-stale': 'transient',
  'sync-failed': 'transient',
  stopping: 'transient',
  'disk-reserve': 'transient',
  'disk-full': 'transient',
  // Of an upload and not of its episode: upload-answer.ts has what they mean there.
  'tus-request-malformed': 'transient',
  'tus-version-unsupported': 'transient',
  'upload-not-found': 'transient',
  'upload-offset-mismatch': 'transient',
  'upload-expired': 'transient',
  'too-many-uploads': 'transient',
} as const satisfies Record<ProblemCode, Treatment>;

// The older receiver answers these for the episode's own fault, in JSON and without a code.
const FATAL_STATUS_WITHOUT_CODE = new Set([400, 409, 412, 413]);
// Of a text that goes into logs and reasons, and that any server may have written.
const MAX_DETAIL_CHARACTERS = 500;
const MAX_SHOWN_CHARACTERS = 200;
const TRANSIENT_STATUS = new Set([408, 425, 429]);

export interface SentEpisode {
  hostId: string;
  episodeId: string;
  sha256: string;
}

export function classifyAnswer(answer: ReceiverAnswer, sent: SentEpisode): Verdict {
  const { status } = answer;
  const json = jsonOf(answer);
  if (status === 200 || status === 201) return classifySuccess(answer, json, sent);
  const refused = refusedBy(answer);
  const code = receivedProblemSchema.parse(json ?? {}).code;
  const treatment = treatmentOf(status, code, json !== undefined && 'detail' in json);
  return treatment === 'transient'
    ? { kind: 'transient', retryAfterS: answer.retryAfterS, ...refused }
    : { kind: treatment, ...refused };
}

/** What an answer that is no success says of itself, whatever server it is of. */
export function refusedBy(answer: Pick<ReceiverAnswer, 'status' | 'body'>): Refused {
  const problem = receivedProblemSchema.parse(jsonOf(answer) ?? {});
  return {
    status: answer.status,
    code: problem.code ?? `http-${answer.status}`,
    detail: (problem.detail ?? answer.body).slice(0, MAX_DETAIL_CHARACTERS).trim(),
    remediation: problem.remediation,
    headCommit: problem.head_commit ?? undefined,
  };
}

/** `status 507: the disk is full`, in a line or so. */
export function describeRefused({ status, detail }: Refused): string {
  return `status ${status}${detail === '' ? '' : `: ${detail.slice(0, MAX_SHOWN_CHARACTERS)}`}`;
}

function treatmentOf(status: number, code: string | undefined, hasDetail: boolean): Treatment {
  if (code !== undefined && Object.hasOwn(PROBLEMS, code)) return TREATMENT_BY_CODE[code as ProblemCode];
  if (isTransientStatus(status)) return 'transient';
  // An unknown code is of a receiver newer than this shipper; no code and no detail is not of a receiver at all.
  if (code === undefined && hasDetail && FATAL_STATUS_WITHOUT_CODE.has(status)) return 'fatal';
  return 'held';
}

export function isTransientStatus(status: number): boolean {
  return status >= 500 || TRANSIENT_STATUS.has(status);
}

/**
 * Success retires the episode, so an answer that some other server gave must not count: a login page's 200 is HTML, and what is named
 * of the episode must be ours. Apart from that the older receiver's body may be anything.
 */
function classifySuccess(
  answer: ReceiverAnswer,
  json: Record<string, unknown> | undefined,
  sent: SentEpisode,
): Verdict {
  const names = (key: string, ours: string) => json?.[key] === undefined || json[key] === ours;
  const digest = json?.['sha256'];
  const isOurs =
    (digest === undefined || String(digest).toLowerCase() === sent.sha256) &&
    names('episode_id', sent.episodeId) &&
    names('host_id', sent.hostId);
  if (!isPage(answer) && isOurs) {
    const kind = answer.status === 201 ? 'shipped' : 'duplicate';
    return { kind, answer: json ?? { answer: answer.body } };
  }
  const start = answer.body.slice(0, 200).trim();
  return {
    kind: 'held',
    status: answer.status,
    code: 'unexpected-answer',
    detail: `status ${answer.status}, but the answer is not the receiver's for this episode: ${start}`,
  };
}

/** A login page, for example: no endpoint of the contract answers so. */
export function isPage({ contentType, body }: ReceiverAnswer): boolean {
  return /^text\/html/i.test(contentType) || body.trimStart().startsWith('<');
}

const objectSchema = z.record(z.string(), z.unknown());

/** Undefined for what is no JSON object. */
export function jsonOf({ body }: Pick<ReceiverAnswer, 'body'>): Record<string, unknown> | undefined {
  return objectSchema.safeParse(parseJson(body)).data;
}
