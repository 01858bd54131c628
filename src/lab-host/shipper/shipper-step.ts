// The steps of the way of one episode, in order. A crash test kills the process after each.

export type ShipperStep =
  | 'partial-opened'
  | 'partial-written'
  | 'partial-synced'
  | 'sidecar-written'
  | 'tarball-renamed'
  | 'outbox-synced'
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
