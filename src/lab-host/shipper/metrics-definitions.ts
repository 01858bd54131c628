// The metrics of the shipper: their names, what they mean, and their buckets.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const PACK_BUCKETS_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800];
const PUT_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200];

export function defineShipperMeters(registry: Registry) {
  const named = (name: string, help: string) => ({ name, help, registers: [registry] });
  return {
    episodes: new Counter({
      ...named('cis490_shipper_episodes_total', 'Episodes that left the queue: stored, duplicate or quarantined.'),
      labelNames: ['outcome'],
    }),
    puts: new Histogram({
      ...named(
        'cis490_shipper_put_duration_seconds',
        'From the begin of a PUT to its answer or its failure, by outcome: stored, duplicate, or the code.',
      ),
      labelNames: ['outcome'],
      buckets: PUT_BUCKETS_S,
    }),
    sentBytes: new Counter(
      named('cis490_shipper_sent_bytes_total', 'Bytes of episode bodies that were sent, repeated ones included.'),
    ),
    packs: new Histogram({
      ...named('cis490_shipper_pack_duration_seconds', 'Time to pack one episode.'),
      buckets: PACK_BUCKETS_S,
    }),
    packedBytes: new Counter(named('cis490_shipper_packed_bytes_total', 'Bytes of the tarballs that were made.')),
    backlogEpisodes: new Gauge(named('cis490_shipper_backlog_episodes', 'Episodes that wait to be shipped.')),
    backlogBytes: new Gauge(named('cis490_shipper_backlog_bytes', 'Bytes of the files of those.')),
    oldest: new Gauge(
      named('cis490_shipper_oldest_unshipped_seconds', 'How long the oldest of them has waited; 0 when none does.'),
    ),
    held: new Gauge({
      ...named(
        'cis490_shipper_held_episodes',
        'Episodes that wait because the queue is held, by the code of the reason. No series while it is not.',
      ),
      labelNames: ['code'],
    }),
    trouble: new Gauge({
      ...named(
        'cis490_shipper_trouble',
        '1 while nothing is sent for this reason: held (somebody has to cure it), transient (tried again later), no-room. No series while all is well.',
      ),
      labelNames: ['kind', 'code'],
    }),
    quarantine: new Gauge(named('cis490_shipper_quarantine_episodes', 'Episodes in quarantine/: refused for good.')),
    freeBytes: new Gauge(named('cis490_shipper_free_bytes', 'Bytes that can still be written to data_dir.')),
    backpressure: new Gauge(
      named('cis490_shipper_backpressure', '1 while the disk is so short that no recording starts.'),
    ),
    lastStored: new Gauge(
      named(
        'cis490_shipper_last_stored_timestamp_seconds',
        'When the receiver last said of an episode that it has it. No series before the first since the start.',
      ),
    ),
    certificate: new Gauge({
      ...named('cis490_certificate_expiry_timestamp_seconds', "When this host's certificate ends."),
      labelNames: ['certificate'],
    }),
    build: new Gauge({
      ...named('cis490_build_info', 'The commit that is installed, and on which Node: the value is always 1.'),
      labelNames: ['commit', 'dirty', 'node'],
    }),
  };
}
