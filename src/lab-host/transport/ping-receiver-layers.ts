// The layers above the connection: something speaks HTTP, takes the credential, is a receiver, and would take what this host records.

import { z } from 'zod';
import { describeRefused, jsonOf, type ReceiverAnswer, refusedBy } from './classify-answer.ts';
import { failed, type Layer, type PingExchange } from './ping-layers.ts';

// Below it a difference is what any two clocks have.
const CLOCKS_AGREE_MS = 2_000;

/** Each field may be missing: the older receiver says less. */
const pingSchema = z.looseObject({
  host_id: z.string().nullish().catch(undefined),
  server_time: z.string().optional().catch(undefined),
  version: z.string().nullish().catch(undefined),
});
const verdictSchema = z.looseObject({
  verdict: z.enum(['accepted', 'refused', 'unknown']),
  code: z.string().optional().catch(undefined),
  remediation: z.string().optional().catch(undefined),
});

export const httpLayer: Layer = async (path) => {
  const { answer } = await path.ping();
  return { status: 'ok', detail: `answered with status ${answer.status}` };
};

export const credentialLayer: Layer = async (path) => {
  const { answer } = await path.ping();
  if (answer.status === 401 || answer.status === 403) return refusal(answer);
  const boundTo = pingSchema.safeParse(jsonOf(answer)).data?.host_id ?? undefined;
  if (boundTo !== undefined && boundTo !== path.hostId)
    return failed('forbidden', `the credential is that of ${boundTo}, and this host is ${path.hostId}`);
  return { status: 'ok', detail: boundTo === undefined ? 'not refused' : `accepted as ${boundTo}` };
};

export const contractLayer: Layer = async (path) => {
  const exchange = await path.ping();
  const { answer } = exchange;
  if (answer.status === 404 || answer.status === 405) return failed('not-found', describe(answer));
  if (answer.status >= 500 || answer.status === 429) return refusal(answer);
  const ping = pingSchema.safeParse(jsonOf(answer)).data;
  if (answer.status !== 200 || !ping) return failed('unexpected-answer', describe(answer));
  const version = ping.version ? `version ${ping.version.slice(0, 12)}` : 'an older receiver';
  return { status: 'ok', detail: [version, clockDifference(exchange)].filter(Boolean).join(', ') };
};

export const gateLayer: Layer = async (path) => {
  const { codeVersion } = path;
  if (!codeVersion)
    return { status: 'not used', detail: 'this installation has no VERSION: it is not known what it records with' };
  const { commit, dirty } = codeVersion;
  const answer = await path.ask('GET', `/v1/version-gate?commit=${commit}${dirty ? '&dirty=1' : ''}`);
  if (answer.status === 404 || answer.status === 405)
    return { status: 'not used', detail: 'an older receiver, which cannot be asked' };
  if (answer.status !== 200) return refusal(answer);
  const verdict = verdictSchema.safeParse(jsonOf(answer)).data;
  if (!verdict) return failed('unexpected-answer', describe(answer));
  const shown = `commit ${commit.slice(0, 12)}${dirty ? ', modified,' : ''}`;
  if (verdict.verdict === 'accepted') return { status: 'ok', detail: `${shown} is accepted` };
  const code = verdict.code ?? `gate-${verdict.verdict}`;
  return failed(code, `an episode of ${shown} would be refused with ${code}`, verdict.remediation);
};

function refusal(answer: ReceiverAnswer) {
  const refused = refusedBy(answer);
  return failed(refused.code, describeRefused(refused), refused.remediation);
}

function describe(answer: ReceiverAnswer): string {
  return describeRefused(refusedBy(answer));
}

/** By how much the clock here is behind the receiver's; negative when it is ahead. Undefined when the receiver does not tell its time. */
export function clockBehindMs({ answer, atWall, roundTripMs }: PingExchange): number | undefined {
  const serverTime = pingSchema.safeParse(jsonOf(answer)).data?.server_time;
  const behindMs = Date.parse(serverTime ?? '') - (Date.parse(atWall) + roundTripMs / 2);
  return Number.isNaN(behindMs) ? undefined : behindMs;
}

function clockDifference(exchange: PingExchange): string | undefined {
  const differenceMs = clockBehindMs(exchange);
  if (differenceMs === undefined) return undefined;
  if (Math.abs(differenceMs) < CLOCKS_AGREE_MS) return 'the clocks agree';
  const s = (Math.abs(differenceMs) / 1000).toFixed(1);
  return `the clock here is ${s} s ${differenceMs > 0 ? 'behind' : 'ahead'} (timedatectl)`;
}
