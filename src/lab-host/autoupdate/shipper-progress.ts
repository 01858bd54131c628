// What the shipper's own state file says of a release on trial: whether an episode that waits is taken, and if not, whose fault that is.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { dataLayout } from '../data-layout.ts';

const stateSchema = z.looseObject({
  started_at_wall: z.string(),
  shipped: z.number().catch(0),
  duplicates: z.number().catch(0),
  waiting: z.number().catch(0),
  sent_bytes_per_s: z.number().catch(0),
  last_answer: z.looseObject({ status: z.number(), code: z.string().nullish() }).nullish().catch(undefined),
  trouble: z.looseObject({ kind: z.string(), code: z.string() }).nullish().catch(undefined),
});

export type ShipperFacts = z.output<typeof stateSchema>;

/** `fine`: stored, or nothing to store, or what keeps it is not this program's fault, which `why` says. */
export type Shipping = { kind: 'fine'; why: string | undefined } | { kind: 'not-yet'; why: string };

// The gate's word on what was recorded long before this release.
const OF_OLD_CODE = new Set(['commit-not-in-window', 'commit-blocked', 'dirty-refused']);

/** Undefined when there is none that can be understood. */
export async function readShipperFacts(dataDirectory: string): Promise<ShipperFacts | undefined> {
  try {
    return stateSchema.safeParse(JSON.parse(await readFile(dataLayout(dataDirectory).stateFile, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** `before`: as it was written by the shipper that ran before the restart. */
export function judgeShipping(before: ShipperFacts | undefined, now: ShipperFacts | undefined): Shipping {
  if (!now || now.started_at_wall === before?.started_at_wall) {
    // It writes at its first second, also with nothing to do.
    return { kind: 'not-yet', why: 'the shipper has written down nothing since it was restarted' };
  }
  if (now.shipped + now.duplicates > 0) return { kind: 'fine', why: undefined };
  if (now.waiting === 0) return { kind: 'fine', why: 'no episode waits' };
  if (now.sent_bytes_per_s > 0) return { kind: 'fine', why: 'an episode is on its way' };
  const { last_answer: answer, trouble } = now;
  if (answer && OF_OLD_CODE.has(answer.code ?? ''))
    return { kind: 'fine', why: `the gate refuses what waits (${answer.code})` };
  if (answer && (answer.status >= 500 || answer.status === 429)) {
    return { kind: 'fine', why: `the receiver takes nothing now (${answer.code ?? answer.status})` };
  }
  if (trouble?.kind === 'no-room') return { kind: 'fine', why: 'the disk of data_dir is full' };
  return {
    kind: 'not-yet',
    why: `${now.waiting} episodes wait and none was stored${trouble ? ` (${trouble.code})` : ''}`,
  };
}
