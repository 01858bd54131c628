// The steps of the way of one episode, in order. A crash test kills the process after each.

export type ShipperStep =
  | 'partial-opened'
  | 'partial-written'
  | 'partial-synced'
  | 'sidecar-written'
  | 'tarball-renamed'
  | 'outbox-synced'
  | UploadStep
  | 'put-started'
  | 'put-body-sent'
  | 'answer-received'
  | 'receipt-written'
  | 'moved-to-shipped'
  | 'shipped-synced'
  | 'reason-written'
  | 'moved-to-quarantine'
  | 'quarantine-synced'
  | 'tarball-removed';

/** Of one that goes by a resumable upload, before its PUT. */
export type UploadStep =
  | 'upload-created'
  | 'upload-note-written'
  | 'upload-note-renamed'
  | 'upload-note-synced'
  | 'patch-started'
  | 'patch-body-sent'
  | 'patch-answered';
