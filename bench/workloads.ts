// The rows that PUT: what is measured, against whom, and what is to be reached.

export type PeerName = 'nginx' | 'starlette-fsync' | 'starlette' | 'bare-loop' | 'gate-off';

export interface Target {
  peer: PeerName;
  /** How many times the peer's rate is to be reached; undefined where a figure only stands beside ours. */
  atLeast: number | undefined;
}

export interface Workload {
  name: string;
  does: 'first-put' | 're-put';
  sizeBytes: number;
  atOnce: number;
  /** PUTs of one contender in one round. */
  puts: number;
  unit: 'MiB/s' | 'PUT/s';
  targets: readonly Target[];
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'large',
    does: 'first-put',
    sizeBytes: 64 * MIB,
    atOnce: 4,
    puts: 16,
    unit: 'MiB/s',
    targets: [
      { peer: 'nginx', atLeast: 0.9 },
      { peer: 'starlette', atLeast: 1.5 },
      { peer: 'starlette-fsync', atLeast: undefined },
    ],
  },
  {
    name: 'small',
    does: 'first-put',
    sizeBytes: 16 * KIB,
    atOnce: 16,
    puts: 800,
    unit: 'PUT/s',
    targets: [
      { peer: 'starlette-fsync', atLeast: 3 },
      { peer: 'starlette', atLeast: 0.5 },
      { peer: 'bare-loop', atLeast: 0.9 },
      { peer: 'nginx', atLeast: undefined },
    ],
  },
  {
    name: 're-put',
    does: 're-put',
    sizeBytes: 16 * KIB,
    atOnce: 16,
    puts: 800,
    unit: 'PUT/s',
    targets: [
      { peer: 'starlette-fsync', atLeast: 3 },
      { peer: 'starlette', atLeast: 3 },
    ],
  },
  {
    name: 'gate',
    does: 'first-put',
    sizeBytes: 16 * KIB,
    atOnce: 16,
    puts: 800,
    unit: 'PUT/s',
    // "No measurable difference": within a twentieth, and a range that holds 1.
    targets: [{ peer: 'gate-off', atLeast: 0.95 }],
  },
];

/** The same shape with next to no work. */
export function shrink(workload: Workload): Workload {
  return { ...workload, sizeBytes: Math.min(workload.sizeBytes, MIB), puts: workload.atOnce * 2 };
}

export function titleOf({ name, does, sizeBytes, atOnce }: Workload): string {
  if (name === 'gate') return 'the gate check in it';
  const size = sizeBytes >= MIB ? `${sizeBytes / MIB} MiB` : `${sizeBytes / KIB} KiB`;
  return `${does === 're-put' ? 're-PUT of a stored' : 'durable PUT,'} ${size} × ${atOnce} at a time`;
}
