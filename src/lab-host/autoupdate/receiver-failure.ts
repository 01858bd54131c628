// What keeps the receiver from being asked, or what it refused, with what cures it.

import { AppError, messageOf } from '../../lib/app-error.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { receivedProblemSchema } from '../../protocol/problem.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import { cureForHold } from '../transport/hold-cures.ts';

export function unreachable(error: unknown): AppError {
  const verdict = classifyNetworkError(error);
  const code = 'code' in verdict ? verdict.code : 'network-error';
  return new AppError('receiver-unreachable', `the receiver cannot be asked (${code}): ${messageOf(error)}`, {
    hint: cureForHold(code),
    retryable: true,
    cause: error,
  });
}

export function refused({ status, body }: Pick<ReceiverAnswer, 'status' | 'body'>): AppError {
  const problem = receivedProblemSchema.safeParse(parseJson(body)).data;
  const code = problem?.code ?? `http-${status}`;
  const detail = problem?.detail ? `: ${problem.detail.slice(0, 200)}` : '';
  return new AppError('receiver-refused', `the receiver answers ${status} (${code})${detail}`, {
    hint: cureForHold(code),
    retryable: status >= 500,
  });
}
