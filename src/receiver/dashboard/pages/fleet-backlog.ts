// What a host's heartbeat says of what waits on it. Its body is that host's word, of which `shownOf` has kept the known fields.

import type { FleetHost } from '../../../protocol/answers.ts';

export interface Backlog {
  episodes: number;
  /** Of the oldest; undefined when nothing waits, or an older shipper does not say. */
  oldestS: number | undefined;
  /** Why all of it waits, as the shipper says it; undefined when it does not hold. */
  heldFor: string | undefined;
  receivedAtWall: string;
}

/** Undefined for a host that has said nothing of it. */
export function backlogOf({ heartbeat }: Pick<FleetHost, 'heartbeat'>): Backlog | undefined {
  const backlog = fieldsOf(heartbeat?.['backlog']);
  const held = fieldsOf(heartbeat?.['held']);
  if (!heartbeat || (!backlog && !held)) return undefined;
  const code = held?.['code'];
  return {
    episodes: numberIn(backlog, 'episodes') ?? numberIn(held, 'count') ?? 0,
    oldestS: numberIn(backlog, 'oldest_s'),
    heldFor: held && (typeof code === 'string' ? code : 'not told why'),
    receivedAtWall: heartbeat.received_at_wall,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function numberIn(fields: Readonly<Record<string, unknown>> | undefined, name: string): number | undefined {
  const value = fields?.[name];
  return typeof value === 'number' ? value : undefined;
}
