// Asks the receiver what its gate would say to a commit now, without sending an episode.

import { z } from 'zod';
import type { ReceiverAnswer, Refused } from '../transport/classify-answer.ts';
import type { AskOptions } from '../transport/receiver-connections.ts';
import { isGateCode } from './gate-codes.ts';

/** What the gate judges by. `commit` is undefined for an unstamped episode. */
export interface Stamp {
  commit: string | undefined;
  dirty: boolean;
}

/** `absent`: an older receiver, which has no such endpoint. `unknown`: no answer that can be relied on. */
export type GateAnswer =
  | { kind: 'accepted' }
  | ({ kind: 'refused' } & Refused)
  | { kind: 'absent' }
  | { kind: 'unknown' };

const verdictSchema = z.object({
  verdict: z.enum(['accepted', 'refused', 'unknown']),
  code: z.string().optional(),
  head_commit: z.string().nullish(),
  remediation: z.string().optional(),
});

/** Who is asked. */
interface Asked {
  ask(method: 'GET', path: string, options: AskOptions): Promise<ReceiverAnswer>;
}

/** Never throws for what the network or the receiver does. */
export async function askGate(receiver: Asked, { commit, dirty }: Stamp, stop: AbortSignal): Promise<GateAnswer> {
  const query = new URLSearchParams({ commit: commit ?? '', ...(dirty && { dirty: '1' }) });
  try {
    const { status, body } = await receiver.ask('GET', `/v1/version-gate?${query}`, { stop });
    if (status === 404 || status === 405) return { kind: 'absent' };
    const verdict = status === 200 ? verdictSchema.safeParse(JSON.parse(body)).data : undefined;
    if (verdict?.verdict === 'accepted') return { kind: 'accepted' };
    if (verdict?.verdict !== 'refused' || !isGateCode(verdict.code ?? '')) return { kind: 'unknown' };
    return {
      kind: 'refused',
      status: 0,
      code: verdict.code ?? '',
      detail: 'the gate refuses all episodes of this code; it was asked, and this one was not sent',
      remediation: verdict.remediation,
      headCommit: verdict.head_commit ?? undefined,
    };
  } catch {
    return { kind: 'unknown' };
  }
}

export function stampKey({ commit, dirty }: Stamp): string {
  return `${commit ?? ''}${dirty ? ' dirty' : ''}`;
}
