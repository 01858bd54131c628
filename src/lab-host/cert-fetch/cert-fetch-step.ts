// The durable steps of one certificate, in their order.

export type CertFetchStep =
  | 'authorities-written'
  | 'key-written'
  | 'answered'
  | 'pair-key-written'
  | 'pair-written'
  | 'link-made'
  | 'switched'
  | 'switch-synced'
  | 'next-key-removed'
  | 'older-removed'
  | 'state-written';
