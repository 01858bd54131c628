// The maintainer's decisions on alerts, the same from the API and from the dashboard: recorded, seen at once, and logged.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Acknowledgement, MonitorState } from '../../storage/monitor-state.ts';
import type { AlertBoard } from './alert-board.ts';
import { type NewSilence, type ReadSilence, readSilence } from './read-silence.ts';

const ID_BYTES = 4;

export interface DecisionDependencies {
  monitorState: Pick<MonitorState, 'acknowledge' | 'putSilence' | 'endSilence'>;
  alertBoard: Pick<AlertBoard, 'changed'>;
  clock: Clock;
  logger: Pick<Logger, 'info'>;
}

/** `resolved`: it has ended meanwhile, and nothing is left to be acknowledged. */
export type Acknowledged =
  | { kind: 'acknowledged'; acknowledged: Acknowledgement }
  | { kind: 'resolved' }
  | { kind: 'not-found' };

/** `by`: who decides, as `nameOf` has it. Throws as the monitor's state does, and so do the others. */
export async function acknowledgeAlert(
  { monitorState, alertBoard, clock, logger }: DecisionDependencies,
  alertId: string,
  { by, reason }: { by: string; reason: string },
): Promise<Acknowledged> {
  const acknowledged = { at: clock.wallTime(), by, reason };
  const kind = await monitorState.acknowledge(alertId, acknowledged);
  if (kind !== 'acknowledged') return { kind };
  alertBoard.changed();
  logger.info({ alert: alertId, by, reason }, 'alert acknowledged');
  return { kind, acknowledged };
}

export async function makeSilence(
  { monitorState, alertBoard, clock, logger }: DecisionDependencies,
  asked: NewSilence,
  by: string,
): Promise<ReadSilence> {
  const made = readSilence(asked, { id: randomBytes(ID_BYTES).toString('hex'), by, clock });
  if (made.kind === 'bad') return made;
  await monitorState.putSilence(made.silence);
  alertBoard.changed();
  const { id, host, symptom, reason, expiresAt } = made.silence;
  logger.info({ silence: id, host, symptom, by, until: expiresAt, reason }, 'alerts silenced');
  return made;
}

/** False when there is none that still holds. */
export async function endSilence(
  { monitorState, alertBoard, clock, logger }: DecisionDependencies,
  silenceId: string,
  by: string,
): Promise<boolean> {
  if (!(await monitorState.endSilence(silenceId, clock.wallTime()))) return false;
  alertBoard.changed();
  logger.info({ silence: silenceId, by }, 'silence ended');
  return true;
}
