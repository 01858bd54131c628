// The steps of a durable commit on this backend, in order. A crash test kills the process after each.

export const STORAGE_STEPS = [
  'incoming-opened',
  'incoming-written',
  'incoming-synced',
  'published',
  'directory-synced',
  'row-written',
  'row-synced',
  'view-updated',
  'incoming-unlinked',
] as const;

export type StorageStep = (typeof STORAGE_STEPS)[number];
