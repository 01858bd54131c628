// A file's modification time as every file and answer carries times.

import type { BigIntStats } from 'node:fs';
import { formatWallTime } from '../../lib/clock.ts';

export function modifiedAtWall({ mtimeNs }: BigIntStats): string {
  return formatWallTime(Temporal.Instant.fromEpochNanoseconds(mtimeNs));
}
