// What an answer that refuses one of the requests of a resumable upload means for that upload.

import { AppError } from '../../lib/app-error.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { PROBLEMS, type ProblemCode, receivedProblemSchema } from '../../protocol/problem.ts';
import { isTransientStatus, type ReceiverAnswer, TREATMENT_BY_CODE } from '../transport/classify-answer.ts';
import type { HeardAnswer } from '../transport/exchange.ts';

export type UploadRefusal =
  /** The receiver knows nothing of it, or no more: it begins anew. */
  | { kind: 'lost' }
  /** It stands at another byte than was thought. */
  | { kind: 'elsewhere' }
  /** This receiver, or what stands before it, does not serve resumable uploads so that they can be used. */
  | { kind: 'unusable'; why: string }
  /** It serves them, and takes no more of them now. */
  | { kind: 'busy' }
  /** The receiver's word on the episode, or on the moment: as if a PUT had been answered so. */
  | { kind: 'answered'; answer: ReceiverAnswer }
  /** The same, where a PUT is to hear it in full. */
  | { kind: 'refused' };

/** Of the contract's own codes; none of them is a verdict. */
const MEANING_OF_CODE: ReadonlyMap<string, 'lost' | 'elsewhere' | 'unusable' | 'busy'> = new Map<
  ProblemCode,
  'lost' | 'elsewhere' | 'unusable' | 'busy'
>([
  ['upload-not-found', 'lost'],
  ['upload-expired', 'lost'],
  ['upload-offset-mismatch', 'elsewhere'],
  ['tus-version-unsupported', 'unusable'],
  ['tus-request-malformed', 'unusable'],
  ['not-found', 'unusable'],
  ['method-not-allowed', 'unusable'],
  ['too-many-uploads', 'busy'],
]);
/** Without a code: of some other tus server, of a receiver without uploads, or of what stands before it. */
const MEANING_OF_STATUS: ReadonlyMap<number, 'lost' | 'elsewhere' | 'unusable'> = new Map([
  [404, 'lost'],
  [410, 'lost'],
  [409, 'elsewhere'],
  [405, 'unusable'],
  [501, 'unusable'],
] as const);

/** Throws `upload-odd-answer` for what means nothing that is known; never of a creation, in whose place a PUT can be made. */
export function judgeUploadAnswer(request: 'create' | 'offset' | 'send', answer: HeardAnswer): UploadRefusal {
  const { status } = answer;
  const code = codeOf(answer);
  const why = code ?? `status ${status}`;
  const own = code === undefined ? MEANING_OF_STATUS.get(status) : MEANING_OF_CODE.get(code);
  if (own === 'unusable' || (own !== undefined && own !== 'busy' && request === 'create'))
    return { kind: 'unusable', why };
  if (own !== undefined) return { kind: own };
  // Begun under another name of this host: whether it may send at all, a creation tells.
  if (code === 'forbidden' && request !== 'create') return { kind: 'lost' };
  if (code !== undefined && Object.hasOwn(PROBLEMS, code)) return word(request, answer, code as ProblemCode);
  if (isTransientStatus(status)) return { kind: 'answered', answer };
  if (request === 'create') return { kind: 'unusable', why };
  throw new AppError('upload-odd-answer', `an upload was answered with ${why}: ${answer.body.slice(0, 200).trim()}`, {
    retryable: true,
  });
}

/** An answer to HEAD has no body: of a refusal for good it lacks the cure, which a PUT brings. */
function word(request: string, answer: HeardAnswer, code: ProblemCode): UploadRefusal {
  if (request !== 'offset') return { kind: 'answered', answer };
  if (TREATMENT_BY_CODE[code] === 'fatal') return { kind: 'refused' };
  return { kind: 'answered', answer: { ...answer, body: JSON.stringify({ code, detail: PROBLEMS[code][1] }) } };
}

function codeOf({ headers, body }: HeardAnswer): string | undefined {
  const told = headers['x-cis490-problem'];
  if (typeof told === 'string' && told !== '') return told;
  return receivedProblemSchema.safeParse(parseJson(body)).data?.code;
}
