// One report to the receiver, over the way and with the credentials that episodes go with. What passes by itself is tried again; of
// anything else it is told on which layer it fails, and what cures it.

import { messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { DoctorReport } from '../../protocol/doctor-report.ts';
import { receivedProblemSchema } from '../../protocol/problem.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import { type Layer, type PingPath, runLayers } from '../transport/ping-layers.ts';
import { jsonOf } from '../transport/ping-receiver-layers.ts';
import type { ReceiverConnections } from '../transport/receiver-connections.ts';
import { PING_LAYERS } from '../transport/receiver-path.ts';

/** `layer`: as `shipper --ping` names them, or `report`: the way is whole, and the report itself is not taken. */
export type PutOutcome =
  | { kind: 'stored' }
  | { kind: 'not-stored'; layer: string; code: string; detail: string; cure: string };

export interface PutReportDependencies {
  hostId: string;
  connections: Pick<ReceiverConnections, 'ask'>;
  /** For the look at what is wrong. */
  path: PingPath;
  clock: Clock;
  stop: AbortSignal;
}

interface Failure {
  code: string;
  detail: string;
  cure: string;
  /** May be gone by itself in a moment. */
  isPassing: boolean;
  retryAfterS: number | undefined;
}

// Before the second and the third try: a timer comes back in a day.
const PAUSES_MS = [5_000, 20_000];
const LONGEST_PAUSE_MS = 60_000;
const MOST_DETAIL = 200;
const AT_RECEIVER = 'look at the receiver: cis490 doctor --role receiver; journalctl -u cis490-receiver -n 50';
const CURES: Record<string, string> = {
  absent:
    'what answers there takes no health reports: check [receiver] url, and whether the receiver is older than this host',
  'disk-full': 'make room on the receiver: df -h /var/lib/cis490',
  'too-large': 'send the report by hand to whoever maintains this: cis490 doctor --json',
};
// A sick host on stale code is heard: the gate has no say.
const LAYERS: ReadonlyArray<readonly [string, Layer]> = PING_LAYERS.filter(([name]) => name !== 'gate');

export async function putReport(report: DoctorReport, dependencies: PutReportDependencies): Promise<PutOutcome> {
  const { clock, stop, path } = dependencies;
  let failure = await tryOnce(report, dependencies);
  for (const pauseMs of PAUSES_MS) {
    if (!failure?.isPassing || stop.aborted) break;
    await clock.sleep(Math.min((failure.retryAfterS ?? 0) * 1000 || pauseMs, LONGEST_PAUSE_MS), stop);
    if (!stop.aborted) failure = await tryOnce(report, dependencies);
  }
  if (!failure) return { kind: 'stored' };
  const { code, detail, cure } = failure;
  const onTheWay = (await runLayers(LAYERS, path)).find((layer) => layer.status === 'failed');
  if (onTheWay?.status === 'failed') {
    return {
      kind: 'not-stored',
      layer: onTheWay.layer,
      code: onTheWay.code,
      detail: onTheWay.detail,
      cure: onTheWay.cure,
    };
  }
  return { kind: 'not-stored', layer: 'report', code, detail, cure };
}

/** Undefined when it is stored. */
async function tryOnce(
  report: DoctorReport,
  { hostId, connections, stop }: PutReportDependencies,
): Promise<Failure | undefined> {
  try {
    return failureIn(await connections.ask('PUT', `/v1/host-health/${hostId}`, { json: report, stop }));
  } catch (error) {
    const verdict = classifyNetworkError(error);
    const code = 'code' in verdict ? verdict.code : 'network-error';
    const isPassing = verdict.kind === 'transient';
    return { code, detail: messageOf(error), cure: cureForHold(code), isPassing, retryAfterS: undefined };
  }
}

function failureIn(answer: ReceiverAnswer): Failure | undefined {
  const { status, body, contentType, retryAfterS } = answer;
  // A login page answers 200, too, and stores nothing.
  const isPage = /^text\/html/i.test(contentType) || body.trimStart().startsWith('<');
  if (status >= 200 && status < 300 && !isPage) return undefined;
  const problem = receivedProblemSchema.parse(jsonOf(answer) ?? {});
  const text = (problem.detail ?? body).slice(0, MOST_DETAIL).trim();
  const detail = `status ${status}${text === '' ? '' : `: ${text}`}`;
  const isPassing = status >= 500 || status === 408 || status === 429;
  if (status < 300) return told('unexpected-answer', cureForHold('unexpected-answer'));
  if (status === 404 || status === 405) return told('absent', CURES['absent'] ?? '');
  const code = problem.code ?? `http-${status}`;
  return told(code, CURES[code] ?? (status >= 500 ? AT_RECEIVER : cureForHold(code)));

  function told(code: string, cure: string): Failure {
    return { code, detail, cure, isPassing, retryAfterS };
  }
}
