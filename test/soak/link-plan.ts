// What becomes of the connections of one shipper's life, drawn before it begins: cut, reset, stalled, silent, slow, or their answer lost.

import type { TestContext } from 'node:test';
import { FaultProxy, type LinkFault } from '../support/fault-proxy.ts';

// Half of the connections are sound, so that failures in a row, and with them the backoff, stay short.
const SOUND = 0.5;
const LARGEST_BYTES_LOG2 = 20;
// A link that drips lets this much through each time: slow, and never still.
const DRIP_EVERY_MS = 100;
const DRIP_BYTES = 8 * 1024;

/** One fault for each connection, and a sound link after them. */
export function planLink(random: () => number, connections: number): LinkFault[] {
  const plan = Array.from({ length: connections }, () => drawFault(random));
  // The proxy drips on one connection at a time.
  plan[Math.floor(random() * connections)] = { kind: 'drip' };
  return plan;
}

function drawFault(random: () => number): LinkFault {
  if (random() < SOUND) return { kind: 'none' };
  // As often in the headers as in the middle of a large body.
  const atByte = Math.floor(2 ** (random() * LARGEST_BYTES_LOG2));
  const faults: LinkFault[] = [
    { kind: 'cut', atByte },
    { kind: 'reset', atByte },
    { kind: 'stall', atByte },
    { kind: 'lose-answer' },
    { kind: 'half-open', afterAnswers: 1 + Math.floor(random() * 3) },
  ];
  return faults[Math.floor(random() * faults.length)] ?? { kind: 'none' };
}

export interface Link {
  url: string;
  close(): void;
}

export async function openLink(toPort: number, plan: readonly LinkFault[]): Promise<Link> {
  const ends: (() => unknown)[] = [];
  // A link lives as long as its shipper, and not as long as a test.
  const life = { after: (end: () => unknown) => void ends.push(end) } as unknown as TestContext;
  const proxy = await FaultProxy.start(life, toPort, plan);
  const dripping = setInterval(() => proxy.letThrough(DRIP_BYTES), DRIP_EVERY_MS);
  return {
    url: proxy.url,
    close() {
      clearInterval(dripping);
      for (const end of ends) end();
    },
  };
}
