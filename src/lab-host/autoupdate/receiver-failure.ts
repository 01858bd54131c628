// What keeps the receiver from being asked, or what it refused, with what cures it.

import { AppError } from '../../lib/app-error.ts';
import { isTransientStatus, type ReceiverAnswer, refusedBy } from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import { cureForHold } from '../transport/hold-cures.ts';

export function unreachable(error: unknown): AppError {
  const { code, detail } = classifyNetworkError(error);
  return new AppError('receiver-unreachable', `the receiver cannot be asked (${code}): ${detail}`, {
    hint: cureForHold(code),
    retryable: true,
    cause: error,
  });
}

export function refused(answer: Pick<ReceiverAnswer, 'status' | 'body'>): AppError {
  const { status, code, detail } = refusedBy(answer);
  const said = detail === '' ? '' : `: ${detail.slice(0, 200).replaceAll(/\s+/g, ' ')}`;
  return new AppError('receiver-refused', `the receiver answers ${status} (${code})${said}`, {
    hint: cureForHold(code),
    retryable: isTransientStatus(status),
  });
}
