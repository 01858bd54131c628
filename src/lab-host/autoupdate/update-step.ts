// The durable steps of an update, in order. A crash test kills the process after each.

export const UPDATE_STEPS = [
  'asked',
  'verified',
  'download-begun',
  'downloaded',
  'unpack-begun',
  'unpacked',
  'placed',
  'tested',
  'recorded',
  'switched',
  'units-placed',
  'restarted',
  'watched',
  'confirmed',
  'pruned',
] as const;

export const ROLL_BACK_STEPS = ['back-decided', 'back-switched', 'back-restarted', 'rolled-back'] as const;

export type UpdateStep = (typeof UPDATE_STEPS)[number] | (typeof ROLL_BACK_STEPS)[number];
