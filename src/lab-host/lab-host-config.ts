// The configuration of a lab host, lab-host.toml: every key that its programs read, with its default and its meaning.

import { z } from 'zod';
import { configPath } from '../lib/config/config-path.ts';
import { addMistake, type ConfigContext, type ConfigOf, defineConfig, whenSound } from '../lib/config/define-config.ts';
import { durationInDays, durationInSeconds } from '../lib/config/duration.ts';
import { secretFile } from '../lib/config/secret-file.ts';
import { bandwidth, size } from '../lib/config/size.ts';
import { HOST_ID_PATTERN, hostIdSchema } from '../protocol/ids.ts';
import { parseReleaseKey } from '../protocol/release.ts';

export type LabHostConfig = ConfigOf<typeof labHostConfigDefinition>;

export const labHostConfigDefinition = defineConfig({
  title: 'Lab host',
  defaultPath: '/etc/cis490/lab-host.toml',
  olderKeys: [{ path: ['receiver', 'bearer_token'], instead: 'bearer_token_file', inlineSecret: true }],
  schema: (context) =>
    z.strictObject({
      host_id: hostIdSchema.meta({
        description:
          'The name of this machine in the store and in every report. It must not change: episodes are filed under it.',
        allowed: '1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit first',
        example: 'lab-host-01',
      }),
      paths: pathsSchema(context),
      receiver: receiverSchema(context),
      shipper: shipperSchema(context),
      orchestrator: orchestratorSchema(context),
      autoupdate: autoupdateSchema(),
      cert: certSchema(),
      doctor: doctorSchema(),
    }),
});

function pathsSchema(context: ConfigContext) {
  return z
    .strictObject({
      data_dir: configPath(context).prefault('/var/lib/cis490/data').meta({
        description: 'Where episodes are recorded, packed and kept until the receiver has them. One filesystem.',
      }),
    })
    .meta({ description: 'Where things are on this machine.' });
}

function receiverSchema(context: ConfigContext) {
  return z
    .strictObject({
      url: receiverUrl().meta({
        description: 'The receiver that episodes are sent to.',
        example: 'https://receiver.example:8443',
      }),
      bearer_token_file: secretFile(context).optional().meta({
        description: 'The token of the fleet, for a receiver that asks for one.',
        example: '/etc/cis490/fleet.token',
      }),
      connect_timeout_s: durationInSeconds()
        .prefault(10)
        .meta({ description: 'How long a connection may take to be made before the attempt is given up.' }),
      idle_timeout_s: durationInSeconds()
        .prefault(60)
        .meta({ description: 'How long a connection may carry nothing in either direction before it is given up.' }),
      tls: tlsSchema(context).optional(),
    })
    .meta({ description: 'The receiver, and how to reach it.' });
}

function tlsSchema(context: ConfigContext) {
  return z
    .strictObject({
      ca_file: configPath(context).optional().meta({
        description:
          "The authorities, in PEM, that the receiver's certificate is checked against, in place of the system's.",
        example: 'receiver-ca.crt',
      }),
      cert_file: configPath(context).optional().meta({
        description: "This host's certificate, in PEM, with its chain: its CN is host_id.",
        example: 'host.crt',
      }),
      key_file: configPath(context).optional().meta({
        description: 'The private key of that certificate, in PEM, mode 0600.',
        example: 'host.key',
      }),
    })
    .superRefine(
      ({ cert_file, key_file }, issues) => {
        if (cert_file !== undefined && key_file === undefined)
          addMistake(issues, 'cert_file without it', 'both or neither', ['key_file']);
        if (key_file !== undefined && cert_file === undefined)
          addMistake(issues, 'key_file without it', 'both or neither', ['cert_file']);
      },
      { when: whenSound('cert_file', 'key_file') },
    )
    .meta({ description: 'HTTPS to the receiver. Files that change are read again without a restart.' });
}

function shipperSchema(context: ConfigContext) {
  return z
    .strictObject({
      scan_interval_s: durationInSeconds()
        .prefault(5)
        .meta({ description: 'How often the shipper looks for finished episodes.' }),
      concurrency: z
        .int()
        .min(1)
        .max(16)
        .default(2)
        .meta({ description: 'How many episodes are packed and sent at the same time.' }),
      zstd_level: z
        .int()
        .min(1)
        .max(19)
        .default(3)
        .meta({ description: 'How hard episodes are compressed: higher is smaller, and costs more processor time.' }),
      order: z
        .enum(['oldest-first', 'newest-first'])
        .default('oldest-first')
        .meta({ description: 'Which of the waiting episodes is sent first.' }),
      bandwidth_limit: bandwidth().optional().meta({
        description: 'The most that is sent in a second, all episodes together; no limit where it is not set.',
        example: '2 MiB/s',
      }),
      resumable_above: size().prefault('16 MiB').meta({
        description:
          'Episodes whose tarball is larger than this go by a resumable upload, which goes on from the last byte after a break; smaller ones do once they were cut off.',
      }),
      min_free: size().prefault('2 GiB').meta({
        description:
          'Space that is left free on the disk of data_dir: below it what is shipped is deleted, oldest first, and then nothing new is recorded.',
      }),
      shipped_keep_days: durationInDays({ zero: 'allowed' })
        .prefault(7)
        .meta({ description: 'How long an episode stays in shipped/ once the receiver has it.' }),
      quarantine_keep_days: durationInDays({ zero: 'allowed' })
        .prefault(30)
        .meta({ description: 'How long a refused episode stays in quarantine/; 0 keeps it for ever.' }),
      quarantine_cleanup_interval_s: durationInSeconds()
        .prefault(3600)
        .meta({ description: 'How often quarantine/ and shipped/ are looked at for what is old enough to go.' }),
      metrics_textfile: configPath(context)
        .refine((path) => path.endsWith('.prom'), 'a path that ends in .prom')
        .optional()
        .meta({
          description:
            "Where the shipper writes its metrics for the textfile collector of Prometheus' node_exporter; none are written where it is not set.",
          allowed: 'a path that ends in .prom; a relative one starts at the directory of this file',
          example: '/var/lib/prometheus/node-exporter/cis490-shipper.prom',
        }),
    })
    .meta({ description: 'Packs finished episodes and sends them.' });
}

function orchestratorSchema(context: ConfigContext) {
  return z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .meta({ description: 'Whether this machine records on a schedule. A machine that only ships leaves it off.' }),
      drain_max_s: durationInSeconds({ zero: 'allowed' })
        .prefault(600)
        .meta({ description: 'How long a stop waits for the workload that is running before it is ended.' }),
      workload: z
        .array(workloadSchema(context))
        .superRefine(refuseDuplicateNames, { when: ({ value }) => Array.isArray(value) })
        .prefault([])
        .meta({ description: 'One program that records, and how often it runs. Repeat the section for each.' }),
    })
    .meta({ description: 'Runs the workloads that record episodes.' });
}

function autoupdateSchema() {
  return z
    .strictObject({
      enabled: z.boolean().default(false).meta({
        description: 'Whether this host brings its own program up to date, and takes back what does not work.',
      }),
      source: z.enum(['receiver', 'git']).default('receiver').meta({
        description:
          'Where releases come from: signed bundles of the receiver, or a git repository, for recording code that lives in one with this program.',
      }),
      release_keys: z
        .array(
          z.string().refine((text) => parseReleaseKey(text) !== undefined, {
            message: 'an Ed25519 public key: the base64 line of its PEM',
          }),
        )
        .default([])
        .meta({
          description:
            'Who may sign bundles: public keys as cis490 release keygen prints them. One signature is enough.',
          example: ['MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE='],
          allowed: 'Ed25519 public keys, each the base64 line of its PEM',
        }),
      remote: z.string().min(1).optional().meta({
        description: 'For source "git": the repository, as git clone takes it.',
        example: 'https://forge.example/lab/cis490.git',
      }),
      branch: z.string().min(1).default('main').meta({ description: 'For source "git": the branch that is followed.' }),
      keep_releases: z
        .int()
        .min(2)
        .max(100)
        .default(3)
        .meta({ description: 'How many releases stay on the disk, the one that runs and the one before included.' }),
      health_window_s: durationInSeconds()
        .prefault(180)
        .meta({ description: 'How long a new release is watched before it is kept.' }),
      pin: z
        .string()
        .regex(/^[0-9a-f]{7,64}$/, 'a git commit, or the first 7 or more digits of one')
        .optional()
        .meta({
          description: 'Only this commit is installed; anything else is left alone.',
          example: '3f786850e387550fdab836ed7e6dc881de23001b',
        }),
    })
    .superRefine(requireUpdateSource, { when: whenSound('enabled', 'source', 'release_keys', 'remote') })
    .prefault({})
    .meta({ description: 'Keeps the installed release current.' });
}

function requireUpdateSource(
  {
    enabled,
    source,
    release_keys,
    remote,
  }: { enabled: boolean; source: string; release_keys: string[]; remote?: string | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (!enabled) return;
  if (source === 'receiver' && release_keys.length === 0)
    addMistake(context, 'no key, so that no bundle could be trusted', 'at least one key', ['release_keys']);
  if (source === 'git' && remote === undefined)
    addMistake(context, 'source = "git" without it', 'the repository to fetch from', ['remote']);
}

function certSchema() {
  return z
    .strictObject({
      enabled: z.boolean().default(false).meta({
        description:
          "Whether this host gets and renews its own certificate: [receiver.tls] then has cert_file and key_file in cis490's identity/current/.",
      }),
      est_url: receiverUrl().optional().meta({
        description: "Where certificates are asked for (RFC 7030); the receiver's own address where it is not set.",
        example: 'https://receiver.example:8443',
      }),
      renew_at: z.number().gt(0).lt(1).default(0.66).meta({
        description: 'After which part of its lifetime a certificate is renewed.',
        allowed: 'a number between 0 and 1',
      }),
    })
    .prefault({})
    .meta({ description: "This host's certificate." });
}

function doctorSchema() {
  const count = () => z.int().positive().meta({ allowed: 'a whole number above 0' });
  return z
    .strictObject({
      backlog_yellow_s: durationInSeconds()
        .prefault('1 h')
        .meta({ description: 'How old the oldest waiting episode may be before backlog is yellow.' }),
      backlog_red_s: durationInSeconds().prefault('2 h').meta({ description: 'The same for red.' }),
      shipper_silent_s: durationInSeconds().prefault('10 min').meta({
        description: 'How long the shipper may leave no sign of itself in data_dir before backlog is yellow.',
      }),
      quarantine_many: count().default(100).meta({
        description: 'With this many refused episodes in quarantine/ it is red; with fewer, yellow.',
      }),
      quarantine_growth: count().default(10).meta({
        description: 'With this many of them from within the last 24 hours it is red, too.',
      }),
      certificate_red_days: durationInDays().prefault(3).meta({
        description:
          "With less time left than this the host's certificate is red; with less than a third of its lifetime, yellow.",
      }),
      token_yellow_days: durationInDays().prefault(14).meta({
        description: 'With less time left than this the token is yellow.',
      }),
      token_red_days: durationInDays().prefault(3).meta({ description: 'The same for red.' }),
      clock_yellow_s: durationInSeconds()
        .prefault('30 s')
        .meta({ description: "By how much the clock may differ from the receiver's before it is yellow." }),
      clock_red_s: durationInSeconds().prefault('2 min').meta({ description: 'The same for red.' }),
      stale_code_ratio: z.number().min(0).max(1).default(0.8).meta({
        description: "Code is yellow once it is this part of the gate's window behind the head.",
        allowed: 'a number from 0 to 1',
      }),
    })
    .meta({ description: 'When cis490 doctor calls something yellow or red.' });
}

function workloadSchema(context: ConfigContext) {
  return z
    .strictObject({
      name: z.string().regex(HOST_ID_PATTERN).meta({
        description: 'The name of the workload in the episodes that it records. Each workload has its own.',
        allowed: '1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit first',
        example: 'idle',
      }),
      command: z
        .array(z.string())
        .min(1)
        .meta({
          description: 'The program and its arguments, as they are; no shell reads them.',
          example: ['/usr/local/bin/record', '--seconds', '60'],
        }),
      interval_s: durationInSeconds().optional().meta({
        description: 'From the start of one run to the start of the next.',
        example: '5 min',
        inExample: true,
      }),
      queue: z.boolean().default(false).meta({
        description: 'In place of interval_s: run once for each job in queue/ that names this workload.',
      }),
      timeout_s: durationInSeconds()
        .optional()
        .meta({ description: 'A run that takes longer is ended, and its episode says so.', example: '10 min' }),
      env: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and _, no digit first'), z.string())
        .default({})
        .meta({ description: 'Environment variables of the program, besides those that the orchestrator sets.' }),
      schema_version: z.string().min(1).optional().meta({
        description: 'The version of the format that the program records in, written into each episode.',
        example: '1',
      }),
      code_root: configPath(context).optional().meta({
        description: 'The directory of the recording code, whose VERSION file names the commit for each episode.',
        example: '/opt/recorder',
      }),
    })
    .superRefine(requireOccasion, { when: whenSound('interval_s', 'queue') });
}

function requireOccasion(
  { interval_s, queue }: { interval_s?: number | undefined; queue: boolean },
  context: z.core.$RefinementCtx,
): void {
  if (interval_s === undefined && !queue)
    addMistake(context, 'neither interval_s nor queue', 'one of them', ['interval_s']);
  if (interval_s !== undefined && queue)
    addMistake(context, 'interval_s beside queue = true', 'one of them', ['queue']);
}

/** Runs on workloads that have other mistakes, too, so that every mistake is reported at once. */
function refuseDuplicateNames(workloads: readonly { name?: unknown }[], context: z.core.$RefinementCtx): void {
  const seen = new Set<unknown>();
  for (const [index, { name }] of workloads.entries()) {
    if (typeof name !== 'string') continue;
    if (seen.has(name)) {
      addMistake(context, `${JSON.stringify(name)}, the name of another workload`, 'a name of its own', [
        index,
        'name',
      ]);
    }
    seen.add(name);
  }
}

/** Output: scheme, host and port, without a slash at the end. */
export function receiverUrl() {
  const allowed = 'http:// or https://, a host, and a port if need be; no path, no user name';
  return z
    .string()
    .transform((text, context) => {
      const url = URL.parse(text);
      const isPlain = url !== null && url.pathname === '/' && !/[?#@]/.test(text);
      if (isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return url.origin;
      // What stands before an @ may be a password.
      const found = text.includes('@') ? 'a URL with a user name in it (not shown)' : JSON.stringify(text.slice(0, 80));
      addMistake(context, found, allowed);
      return z.NEVER;
    })
    .meta({ allowed });
}
