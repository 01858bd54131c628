// The [fleet] tables: which lab hosts there are, when one counts as sick, and who is told.

import { z } from 'zod';
import { addMistake, type ConfigContext } from '../../lib/config/define-config.ts';
import { durationInSeconds } from '../../lib/config/duration.ts';
import { secretFile } from '../../lib/config/secret-file.ts';
import { hostIdSchema } from '../../protocol/ids.ts';
import { hostsFile } from './hosts-file.ts';

export function fleetSchema(context: ConfigContext) {
  return z
    .strictObject({
      expected_hosts: z
        .array(hostIdSchema)
        .default([])
        .meta({
          description: 'Lab hosts that are known before they have stored anything.',
          allowed: 'a list of host ids',
          example: ['lab-01', 'lab-02'],
        }),
      hosts_file: hostsFile(context).optional().meta({
        description: 'A file with more of them, one on a line; what follows a # is left aside.',
        example: 'hosts.txt',
      }),
      heartbeat_url: webUrl().optional().meta({
        description:
          'Called after each good run of fleet-health: a dead-man’s switch elsewhere rings when the calls end.',
        example: 'https://hc-ping.example/1f2e3d4c',
      }),
      monitor: monitorSchema(),
      notifier: z.array(notifierSchema(context)).default([]).superRefine(refuseSameNames),
    })
    .transform(({ expected_hosts, hosts_file, ...fleet }) => ({
      ...fleet,
      expected_hosts: [...new Set([...expected_hosts, ...(hosts_file ?? [])])],
    }))
    .meta({ description: 'The lab hosts.' });
}

function monitorSchema() {
  const minutes = () => z.number().positive().max(100_000);
  const ratio = () => z.number().min(0).max(1);
  return z
    .strictObject({
      receiver_url: webUrl().optional().meta({
        description: 'Where fleet-health asks whether the receiver answers. Default: the address that it listens on.',
        example: 'https://receiver.example:8443',
      }),
      lookback_hours: z.number().positive().max(8_760).default(24).meta({
        description:
          'A host that stored within this time, and stopped, is silent; one that was quiet for longer is not told any more.',
        allowed: 'a number of hours above 0, at most 8760',
      }),
      silent_threshold_min: minutes().default(30).meta({
        description: 'A host is silent when it has stored nothing for longer than this.',
        allowed: 'a number of minutes above 0',
      }),
      recent_window_min: minutes().default(30).meta({
        description: 'How far back attempts count for fatal-only and unstamped.',
        allowed: 'a number of minutes above 0',
      }),
      fatal_ratio_threshold: ratio().default(0.95).meta({
        description: 'Of all attempts in the window, the part that failed from which on a host is fatal-only.',
        allowed: 'a number from 0 to 1',
      }),
      fatal_min_count: z.int().positive().default(10).meta({
        description: 'Fewer attempts than this in the window say nothing.',
        allowed: 'a whole number above 0',
      }),
      heartbeat_fresh_s: durationInSeconds().prefault('15 min').meta({
        description: 'An older heartbeat no longer says how its host is now.',
      }),
      never_seen_after_s: durationInSeconds().prefault('2 h').meta({
        description: 'How long an expected host may take to store its first episode.',
      }),
      stale_code_ratio: ratio().default(0.8).meta({
        description: 'Code counts as stale when it is further behind the head than this part of the window.',
        allowed: 'a number from 0 to 1',
      }),
      backlog_oldest_s: durationInSeconds().prefault('2 h').meta({
        description: 'How long the oldest episode of a host may wait.',
      }),
      quarantine_growth: z.int().positive().default(10).meta({
        description: 'By how many episodes a quarantine may grow within 24 hours.',
        allowed: 'a whole number above 0',
      }),
      doctor_max_age_s: durationInSeconds().prefault('36 h').meta({
        description: 'How old a doctor report may be.',
      }),
      clock_skew_s: durationInSeconds().prefault('2 min').meta({
        description: 'By how much a host’s clock may differ from the receiver’s.',
      }),
      fleet_silent_ratio: ratio().default(0.5).meta({
        description:
          'When more than this part of the hosts that store fell silent at about the same time, the fleet is.',
        allowed: 'a number from 0 to 1',
      }),
      update_lag_s: durationInSeconds().prefault('6 h').meta({
        description: 'How long a host may run something else than what it should.',
      }),
      recovery_runs: z.int().positive().default(2).meta({
        description: 'How many runs in a row must find a fault gone before it counts as resolved.',
        allowed: 'a whole number above 0',
      }),
      reminder_s: durationInSeconds().prefault('1 h').meta({
        description: 'How often channels are reminded of what still fires.',
      }),
    })
    .prefault({})
    .meta({ description: 'When a lab host counts as sick.' });
}

function notifierSchema(context: ConfigContext) {
  const name = z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/)
    .meta({
      description: 'What the channel is called, as in cis490 alerts test NAME.',
      allowed: '1 to 32 of a-z 0-9 - and a letter or digit first',
      example: 'on-call',
    });
  return z
    .discriminatedUnion('kind', [
      z.strictObject({
        name,
        kind: z.literal('webhook'),
        url: webUrl(),
        secret_file: secretFile(context).optional(),
      }),
      z.strictObject({ name, kind: z.literal('ntfy'), url: webUrl(), token_file: secretFile(context).optional() }),
      z.strictObject({ name, kind: z.literal('alertmanager'), url: webUrl() }),
      z.strictObject({
        name,
        kind: z.literal('email'),
        smtp_host: z.string().min(1),
        smtp_port: z.int().min(1).max(65_535).default(587),
        tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
        username: z.string().optional(),
        password_file: secretFile(context).optional(),
        from: z.string().min(3),
        to: z.array(z.string().min(3)).min(1),
      }),
    ])
    .meta({
      description: 'One channel that is told when something fires, still fires after an hour, and is resolved.',
    });
}

function webUrl() {
  return z
    .url({ protocol: /^https?$/ })
    .meta({
      allowed: 'an http or https URL',
      description: 'Where it is sent.',
      example: 'https://hooks.example/cis490',
    });
}

function refuseSameNames(notifiers: ReadonlyArray<{ name: string }>, context: z.core.$RefinementCtx): void {
  notifiers.forEach(({ name }, index) => {
    if (notifiers.findIndex((other) => other.name === name) === index) return;
    addMistake(context, `"${name}", which another notifier has`, 'a name of its own for each', [index, 'name']);
  });
}
