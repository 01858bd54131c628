// How long the disk takes for each sync that an answer waits for.

import { Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../lib/clock.ts';
import type { WatchSync } from '../../storage/watch-sync.ts';

// From a memory disk to one that is dying.
const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function createSyncMeter(registry: Registry, clock: Clock): WatchSync {
  const durations = new Histogram({
    name: 'cis490_fsync_duration_seconds',
    help: 'Time of each sync that makes an episode durable, by what is synced: episode (its bytes), directory (its name), ledger (its row). One sync serves all who wait for it.',
    labelNames: ['file'],
    buckets: BUCKETS_S,
    registers: [registry],
  });
  return (file) => {
    const beganMs = clock.monotonicMs();
    return () => durations.observe({ file }, (clock.monotonicMs() - beganMs) / 1000);
  };
}
