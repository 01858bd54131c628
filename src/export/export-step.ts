// The durable steps of an export, in order. A crash test kills the process after each.

export type ExportStep =
  | 'selection-noted'
  | 'episodes-listed'
  | 'manifest-dropped'
  | 'episode-removed'
  | 'partial-opened'
  | 'partial-written'
  | 'partial-synced'
  | 'episode-placed'
  | 'index-placed'
  | 'info-written'
  | 'tag-manifest-written'
  | 'manifest-placed'
  | 'cleaned-up';
