// Why there is no certificate, for a person: what happened, and the next command on the machine where it is run.

import { AppError } from '../../lib/app-error.ts';
import type { EstAnswer } from '../transport/est-client.ts';
import { cureForHold } from '../transport/hold-cures.ts';

export type EstRefusal = Extract<EstAnswer, { kind: 'refused' }>;
export type Occasion = 'authorities' | 'token' | 'renewal';

/** What the receiver said no to. */
export function explainRefusal(refusal: EstRefusal, occasion: Occasion, hostId: string): AppError {
  const { status, code, detail } = refusal;
  const newToken = `on the receiver: cis490 ca token --host ${hostId}`;
  if (status === 404 || status === 405)
    return new AppError('no-authority', `the receiver hands out no certificates (${detail})`, {
      hint: 'on the receiver: cis490 ca init --name NAME, then look at [listen.tls] of its configuration',
    });
  if (status === 401 && occasion === 'token')
    return new AppError('token-refused', `the receiver does not take the enrolment token: ${detail}`, {
      hint: `a token counts for a time, for one host and for the first key that it enrols; make another, ${newToken}`,
    });
  if (occasion === 'renewal' && (status === 401 || status === 403))
    return new AppError('renewal-refused', `the receiver does not renew the certificate of this host: ${detail}`, {
      hint: `it was revoked, or another authority made it; if the host is to come back, ${newToken}; then here: sudo cis490 cert-fetch --token-file FILE`,
    });
  return new AppError(code, `the receiver gives no certificate: ${detail}`, {
    hint: status >= 500 ? 'it is asked again; on the receiver: journalctl -u cis490-receiver -n 50' : cureForHold(code),
    retryable: status >= 500 || status === 429 || status === 408,
  });
}
