// How long a person waits for the fleet, and Prometheus: each page asked for a number of times, one after the other.

import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type Percentiles, percentilesOf } from './percentiles.ts';

export interface ViewLatency {
  path: string;
  latencyMs: Percentiles;
  /** As it comes over the wire. */
  sizeBytes: number;
}

const PATHS = ['/', '/v1/fleet', '/metrics'];
const REQUESTS = 100;
// A page that takes seconds is known after a few of them.
const LONGEST_MS = 20_000;

export async function measureViews(port: number, stop: AbortSignal): Promise<ViewLatency[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const views: ViewLatency[] = [];
  try {
    for (const path of PATHS) {
      const took: number[] = [];
      const startedMs = performance.now();
      let sizeBytes = 0;
      while (took.length < REQUESTS && performance.now() - startedMs < LONGEST_MS) {
        stop.throwIfAborted();
        const beganMs = performance.now();
        sizeBytes = await ask(agent, port, path);
        took.push(performance.now() - beganMs);
      }
      views.push({ path, latencyMs: percentilesOf(Float64Array.from(took)), sizeBytes });
    }
    return views;
  } finally {
    agent.destroy();
  }
}

async function ask(agent: Agent, port: number, path: string): Promise<number> {
  const headers = { 'Accept-Encoding': 'gzip' };
  const sent = request({ agent, host: '127.0.0.1', port, path, headers }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let sizeBytes = 0;
  for await (const piece of answer) sizeBytes += (piece as Buffer).byteLength;
  if (answer.statusCode !== 200) throw new Error(`${path} was answered ${answer.statusCode}`);
  return sizeBytes;
}
