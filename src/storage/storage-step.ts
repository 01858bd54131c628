// The durable steps of a stored episode, in order. A crash test kills the process after each.

export type StorageStep =
  | 'incoming-opened'
  | 'incoming-written'
  | 'incoming-synced'
  | 'published'
  | 'directory-synced'
  | 'row-written'
  | 'row-synced'
  | 'view-updated'
  | 'incoming-unlinked';

/** Those that a resumable upload has of its own: before `published`, and after `view-updated`. */
export type UploadStep =
  | 'upload-opened'
  | 'upload-declared'
  | 'upload-written'
  | 'upload-synced'
  | 'upload-forgotten'
  | 'upload-unlinked';
