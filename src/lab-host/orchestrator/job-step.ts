// The durable steps of a job's way, in order; between the second and the third group lie those of its episode's publication.

export type JobStep =
  | 'claim-made'
  | 'job-claimed'
  | 'claim-synced'
  | 'run-noted'
  | 'outcome-written'
  | 'job-filed'
  | 'filed-synced'
  | 'claim-removed';
