// One report to the receiver, over the way and with the credentials that episodes go with. What passes by itself is tried again; of
// anything else it is told on which layer it fails, and what cures it.

import type { Clock } from '../../lib/clock.ts';
import type { DoctorReport } from '../../protocol/doctor-report.ts';
import {
  describeRefused,
  isPage,
  isTransientStatus,
  type ReceiverAnswer,
  refusedBy,
} from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import { type Layer, type PingPath, runLayers } from '../transport/ping-layers.ts';
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
const AT_RECEIVER = 'look at the receiver: cis490 doctor --role receiver; journalctl -u cis490-receiver -n 50';
const CURES: Record<string, string> = {
  absent:
    'what answers there takes no health reports: check [receiver] url, and whether the receiver is older than this host',
  'disk-full': 'make room on the receiver: df -h /var/lib/cis490',
  'too-large': 'send the report by hand to whoever maintains this: cis490 doctor --json',
};
// A sick host on stale code is heard: the gate has no say, and which code it is does not matter.
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
  const onTheWay = (await runLayers(LAYERS, path)).find((report) => report.status === 'failed');
  const { layer, code, detail, cure } = onTheWay ?? { layer: 'report', ...failure };
  return { kind: 'not-stored', layer, code, detail, cure };
}

/** Undefined when it is stored. */
async function tryOnce(
  report: DoctorReport,
  { hostId, connections, stop }: PutReportDependencies,
): Promise<Failure | undefined> {
  try {
    return failureIn(await connections.ask('PUT', `/v1/host-health/${hostId}`, { json: report, stop }));
  } catch (error) {
    const { kind, code, detail } = classifyNetworkError(error);
    return { code, detail, cure: cureForHold(code), isPassing: kind === 'transient', retryAfterS: undefined };
  }
}

function failureIn(answer: ReceiverAnswer): Failure | undefined {
  const { status, retryAfterS } = answer;
  // A login page answers 200, too, and stores nothing.
  if (status >= 200 && status < 300 && !isPage(answer)) return undefined;
  const refused = refusedBy(answer);
  const detail = describeRefused(refused);
  const isPassing = isTransientStatus(status);
  if (status < 300) return told('unexpected-answer', cureForHold('unexpected-answer'));
  if (status === 404 || status === 405) return told('absent', CURES['absent'] ?? '');
  const { code } = refused;
  return told(code, CURES[code] ?? (status >= 500 ? AT_RECEIVER : cureForHold(code)));

  function told(code: string, cure: string): Failure {
    return { code, detail, cure, isPassing, retryAfterS };
  }
}
