// The [fleet] tables: which lab hosts there are, when one counts as sick, and who is told.

import { z } from 'zod';
import { addMistake, type ConfigContext } from '../../lib/config/define-config.ts';
import { durationInSeconds } from '../../lib/config/duration.ts';
import { type Secret, secretFile } from '../../lib/config/secret-file.ts';
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
        secret: true,
        description:
          'Called after each good run of fleet-health: a dead-man’s switch elsewhere rings when the calls end.',
        example: 'https://hc-ping.example/1f2e3d4c',
      }),
      monitor: monitorSchema(),
      notifier: z
        .array(notifierSchema(context))
        .superRefine(refuseSameNames, { when: ({ value }) => Array.isArray(value) })
        .prefault([])
        .meta({
          description:
            'One channel that is told when something fires, still fires after an hour, and is resolved. Repeat the section for each.',
        }),
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
      doctor_max_age_s: durationInSeconds().prefault('50 h').meta({
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

type NotifierConfig =
  | { kind: 'webhook'; name: string; url: string; secret_file?: Secret }
  | { kind: 'ntfy'; name: string; url: string; token_file?: Secret }
  | { kind: 'alertmanager'; name: string; url: string }
  | {
      kind: 'email';
      name: string;
      smtp_host: string;
      smtp_port: number;
      tls: TlsOfMail;
      username?: string;
      password_file?: Secret;
      from: string;
      to: string[];
    };
type TlsOfMail = 'starttls' | 'implicit' | 'none';
type NotifierKind = NotifierConfig['kind'];

const KINDS = ['webhook', 'ntfy', 'alertmanager', 'email'] as const satisfies readonly NotifierKind[];
const DEFAULT_SMTP_PORTS: Record<TlsOfMail, number> = { starttls: 587, implicit: 465, none: 25 };
/** Beside name and kind. */
const KEYS_OF: Record<NotifierKind, { needs: NotifierKey[]; may: NotifierKey[] }> = {
  webhook: { needs: ['url'], may: ['secret_file'] },
  ntfy: { needs: ['url'], may: ['token_file'] },
  alertmanager: { needs: ['url'], may: [] },
  email: { needs: ['smtp_host', 'from', 'to'], may: ['smtp_port', 'tls', 'username', 'password_file'] },
};

type WrittenNotifier = z.output<ReturnType<typeof writtenNotifierSchema>>;
type NotifierKey = Exclude<keyof WrittenNotifier, 'name' | 'kind'>;

/** The keys of all kinds in one table, so that the example and the reference have each of them; which go together is told after that. */
function notifierSchema(context: ConfigContext) {
  return writtenNotifierSchema(context).transform((written, issues): NotifierConfig => {
    refuseWrongKeys(written, issues);
    if (issues.issues.length > 0) return z.NEVER;
    return notifierOf(written);
  });
}

function writtenNotifierSchema(context: ConfigContext) {
  const mailAddress = () => z.string().regex(/^[^\p{Cc}]*[^\s\p{Cc}]@[^\s\p{Cc}]+$/u);
  return z.strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,31}$/)
      .meta({
        description: 'What the channel is called, as in cis490 alerts test NAME.',
        allowed: '1 to 32 of a-z 0-9 - and a letter or digit first',
        example: 'on-call',
      }),
    kind: z.enum(KINDS).meta({
      description: 'webhook: JSON by POST. ntfy: a topic of ntfy. alertmanager: its API v2. email: plain text by SMTP.',
      example: 'webhook',
    }),
    url: webUrl().optional().meta({
      description: 'webhook, ntfy, alertmanager: where it is sent. Of ntfy with its topic; of Alertmanager its root.',
      example: 'https://hooks.example/cis490',
      secret: true,
    }),
    secret_file: secretFile(context).optional().meta({
      description: 'webhook: holds the key that each message is signed with (X-Cis490-Signature).',
      example: 'webhook-secret',
    }),
    token_file: secretFile(context).optional().meta({
      description: 'ntfy: holds the access token, where the topic asks for one.',
      example: 'ntfy-token',
    }),
    smtp_host: z
      .string()
      .regex(/^[^\s/@]+$/)
      .optional()
      .meta({
        description: 'email: the mail server that takes it.',
        allowed: 'a host name or address',
        example: 'mail.example',
      }),
    smtp_port: z.int().min(1).max(65_535).optional().meta({
      description: 'email: its port; unless it is set 587, 465 with tls = "implicit", 25 with "none".',
      example: 587,
    }),
    tls: z.enum(['starttls', 'implicit', 'none']).optional().meta({
      description: 'email: how the connection is encrypted; "starttls" unless it is set.',
      example: 'starttls',
    }),
    username: z.string().min(1).optional().meta({
      description: 'email: who logs in at the mail server, with password_file.',
      example: 'cis490@example.org',
    }),
    password_file: secretFile(context).optional().meta({
      description: 'email: holds the password of that user.',
      example: 'mail-password',
    }),
    from: mailAddress().optional().meta({
      description: 'email: the sender.',
      allowed: 'a mail address, such as "cis490@example.org" or "CIS490 <cis490@example.org>"',
      example: 'CIS490 <cis490@example.org>',
    }),
    to: z
      .array(mailAddress())
      .min(1)
      .optional()
      .meta({
        description: 'email: who gets it.',
        allowed: 'a list of mail addresses, not empty',
        example: ['on-call@example.org'],
      }),
  });
}

function refuseWrongKeys(written: WrittenNotifier, issues: z.core.$RefinementCtx): void {
  const { needs, may } = KEYS_OF[written.kind];
  const allowed = [...needs, ...may];
  for (const key of needs) {
    if (written[key] === undefined) addMistake(issues, 'no such key', `one: kind = "${written.kind}" needs it`, [key]);
  }
  const { name: _name, kind: _kind, ...others } = written;
  for (const key of Object.keys(others) as NotifierKey[]) {
    if (allowed.includes(key)) continue;
    addMistake(issues, 'a key of another kind', `with kind = "${written.kind}" ${allowed.join(', ')}`, [key]);
  }
  if ((written.username === undefined) === (written.password_file === undefined) || written.kind !== 'email') return;
  addMistake(issues, 'one of username and password_file', 'both, or neither', [
    written.username === undefined ? 'password_file' : 'username',
  ]);
}

/** What `needs` names is there. */
function notifierOf({ kind, name, url = '', secret_file, token_file, ...mail }: WrittenNotifier): NotifierConfig {
  switch (kind) {
    case 'webhook':
      return { kind, name, url, ...(secret_file && { secret_file }) };
    case 'ntfy':
      return { kind, name, url, ...(token_file && { token_file }) };
    case 'alertmanager':
      return { kind, name, url };
    case 'email': {
      const { smtp_host = '', tls = 'starttls', smtp_port = DEFAULT_SMTP_PORTS[tls], from = '', to = [] } = mail;
      const { username, password_file } = mail;
      const login = username !== undefined && password_file && { username, password_file };
      return { kind, name, smtp_host, smtp_port, tls, from, to, ...login };
    }
  }
}

function webUrl() {
  return z.url({ protocol: /^https?$/ }).meta({ allowed: 'an http or https URL' });
}

/** Runs on notifiers that have other mistakes, too, so that every mistake is reported at once. */
function refuseSameNames(notifiers: ReadonlyArray<{ name?: unknown }>, context: z.core.$RefinementCtx): void {
  notifiers.forEach(({ name }, index) => {
    if (typeof name !== 'string') return;
    if (notifiers.findIndex((other) => other.name === name) === index) return;
    addMistake(context, `"${name}", which another notifier has`, 'a name of its own for each', [index, 'name']);
  });
}
