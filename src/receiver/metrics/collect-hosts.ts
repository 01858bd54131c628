// What is known of each host, as GET /v1/fleet tells it. A host that is retired has no series.

import { z } from 'zod';
import { cutShort, inertLine } from '../../lib/inert-text.ts';
import { type FleetHost, HOST_STATES } from '../../protocol/answers.ts';
import { readFleet } from '../fleet/read-fleet.ts';
import type { Sample } from './families.ts';
import { defineCollector, secondsOf } from './metric-sources.ts';

const LONGEST_CODE = 64;
const HOST = ['host'] as const;

const families = {
  cis490_hosts: { help: 'Hosts by their state, the one word that GET /v1/fleet has for each.', labels: ['state'] },
  cis490_host_puts_total: {
    help: 'Episode PUTs that were answered since this receiver started, by host and outcome.',
    labels: ['host', 'outcome'],
    type: 'counter',
  },
  cis490_host_stored_episodes_total: {
    help: 'Episodes of the host in the ledger; retracted ones count.',
    labels: HOST,
    type: 'counter',
  },
  cis490_host_stored_bytes_total: {
    help: 'Bytes of the host in the ledger; retracted episodes count.',
    labels: HOST,
    type: 'counter',
  },
  cis490_host_last_stored_timestamp_seconds: { help: 'When its newest episode was stored.', labels: HOST },
  cis490_host_last_heard_timestamp_seconds: {
    help: 'When it last came with its credential, for whatever.',
    labels: HOST,
  },
  cis490_host_last_heartbeat_timestamp_seconds: {
    help: 'When its last heartbeat came: backlog, held, quarantine and free bytes are as old as that.',
    labels: HOST,
  },
  cis490_host_backlog_episodes: { help: 'Episodes that wait on it to be shipped.', labels: HOST },
  cis490_host_backlog_bytes: { help: 'Bytes of the episodes that wait on it.', labels: HOST },
  cis490_host_backlog_oldest_seconds: {
    help: 'How long the oldest of them has waited; 0 when none does.',
    labels: HOST,
  },
  cis490_host_held_episodes: {
    help: 'Episodes that wait because its shipper holds the queue, by the code of the reason. No series while it does not.',
    labels: ['host', 'code'],
  },
  cis490_host_quarantine_episodes: { help: 'Episodes in its quarantine.', labels: HOST },
  cis490_host_free_bytes: { help: 'Bytes that can still be written to its data directory.', labels: HOST },
  cis490_host_doctor_status: {
    help: 'What its last doctor report says (green, yellow, red, unknown): the value is always 1.',
    labels: ['host', 'status'],
  },
  cis490_host_doctor_report_timestamp_seconds: { help: 'When that report came.', labels: HOST },
  cis490_host_commit_distance: {
    help: 'How many commits the head of the branch is ahead of the code of its newest episode. No series where that is not known.',
    labels: HOST,
  },
} as const;
type Name = keyof typeof families;

const number = z.number().nullish().catch(undefined);
/** The host's own word: what is not of the known form is not said. */
const heartbeatSchema = z.object({
  received_at_wall: z.string(),
  backlog: z.object({ episodes: number, bytes: number, oldest_s: number }).nullish().catch(undefined),
  held: z.object({ count: number, code: z.string().nullish() }).nullish().catch(undefined),
  quarantine: z.object({ episodes: number }).nullish().catch(undefined),
  free_bytes: number,
});

export const hostsCollector = defineCollector<Name>({
  families,
  async read(sources) {
    const { hosts, verdict } = await readFleet(sources, sources.alertBoard);
    const states = Object.keys(HOST_STATES) as (keyof typeof HOST_STATES)[];
    return [
      ...states.map((state): Sample<Name> => ['cis490_hosts', verdict.states[state] ?? 0, { state }]),
      ...hosts
        .filter(({ retired }) => !retired)
        .flatMap((host) => [...samplesOf(host, sources.puts.byHost.get(host.host_id) ?? new Map())]),
    ];
  },
});

function* samplesOf(host: FleetHost, puts: ReadonlyMap<string, number>): Generator<Sample<Name>> {
  const of = { host: host.host_id };
  for (const [outcome, count] of puts) yield ['cis490_host_puts_total', count, { ...of, outcome }];
  yield ['cis490_host_stored_episodes_total', host.episodes, of];
  yield ['cis490_host_stored_bytes_total', host.bytes, of];
  yield ['cis490_host_last_stored_timestamp_seconds', secondsOf(host.last_stored_at), of];
  yield ['cis490_host_last_heard_timestamp_seconds', secondsOf(host.last_seen_at), of];
  yield ['cis490_host_commit_distance', host.head_distance, of];
  if (host.doctor) {
    yield ['cis490_host_doctor_status', 1, { ...of, status: host.doctor.status }];
    yield ['cis490_host_doctor_report_timestamp_seconds', secondsOf(host.doctor.received_at_wall), of];
  }
  if (host.heartbeat) yield* heartbeatSamples(heartbeatSchema.parse(host.heartbeat), of);
}

function* heartbeatSamples(
  { received_at_wall, backlog, held, quarantine, free_bytes }: z.infer<typeof heartbeatSchema>,
  of: { host: string },
): Generator<Sample<Name>> {
  yield ['cis490_host_last_heartbeat_timestamp_seconds', secondsOf(received_at_wall), of];
  if (backlog) {
    yield ['cis490_host_backlog_episodes', backlog.episodes, of];
    yield ['cis490_host_backlog_bytes', backlog.bytes, of];
    yield ['cis490_host_backlog_oldest_seconds', backlog.oldest_s ?? 0, of];
  }
  if (held) {
    const code = cutShort(inertLine(held.code ?? 'unknown'), LONGEST_CODE);
    yield ['cis490_host_held_episodes', held.count, { ...of, code }];
  }
  yield ['cis490_host_quarantine_episodes', quarantine?.episodes, of];
  yield ['cis490_host_free_bytes', free_bytes, of];
}
