// cis490 fleet-health.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseTimeUs } from '../../src/fleet-health/parse-time.ts';
import type { Thresholds } from '../../src/fleet-health/thresholds.ts';
import { formatWallTime, systemClock } from '../../src/lib/clock.ts';
import type { ReceiverConfig } from '../../src/receiver/receiver-config.ts';
import { listenUrl } from './ask-receiver.ts';
import {
  type CommonOptions,
  commandLogger,
  endWithReader,
  examples,
  exitCodes,
  note,
  positiveNumber,
  readConfig,
  withCommonOptions,
} from './common.ts';

const DEFAULT_ROOT = '/var/lib/cis490';

interface FleetHealthArguments extends CommonOptions {
  indexPath?: string;
  alertsPath?: string;
  lookbackHours?: number;
  silentThresholdMin?: number;
  recentWindowMin?: number;
  fatalRatioThreshold?: number;
  fatalMinCount?: number;
  attempts: 'auto' | 'log' | 'journal';
  unit: string;
  journalFile?: string;
  now?: string;
  dryRun?: boolean;
  json?: boolean;
}

export function registerFleetHealth(program: Command): void {
  withCommonOptions(program.command('fleet-health'))
    .summary('look for sick lab hosts once; on a timer')
    .description('look for sick lab hosts once, and tell which command cures each; beside the receiver, on a timer')
    .option('--index-path <file>', `the ledger (default: index.jsonl in the store, ${DEFAULT_ROOT})`)
    .option('--alerts-path <file>', `where alerts are appended (default: alerts.jsonl in the store, ${DEFAULT_ROOT})`)
    .addOption(limit('--lookback-hours <hours>', 'a host is silent when it stored within this time', 24))
    .addOption(limit('--silent-threshold-min <minutes>', '… and has stored nothing for longer than this', 30))
    .addOption(limit('--recent-window-min <minutes>', 'how far back attempts count', 30))
    .addOption(limit('--fatal-ratio-threshold <ratio>', 'the part of them that must have failed, 0 to 1', 0.95, ratio))
    .addOption(limit('--fatal-min-count <count>', 'fewer attempts say nothing', 10, positiveNumber))
    .addOption(
      new Option(
        '--attempts <source>',
        'log: the receiver’s counts; journal: its journal; auto: the log where there is one',
      )
        .choices(['auto', 'log', 'journal'])
        .default('auto'),
    )
    .option('--unit <unit>', 'whose journal is read', 'cis490-receiver')
    .option('--journal-file <file>', 'a journal as text in place of journalctl; all of its lines count')
    .addOption(new Option('--now <time>', 'replay at this time, ISO 8601').argParser(wallTime))
    .option('--dry-run', 'write nothing, tell nobody; only show what would be alerted')
    .option('--json', 'what was found, as one JSON document')
    .addHelpText(
      'after',
      examples(
        'cis490 fleet-health --dry-run',
        'cis490 fleet-health --json | jq .findings',
        'cis490 fleet-health --index-path index.jsonl --alerts-path alerts.jsonl --journal-file journal.txt --now 2026-05-01T12:00:00Z',
      ) +
        exitCodes({
          0: 'done, whatever was found',
          1: 'something could not be written',
          2: 'bad usage or configuration, or the ledger cannot be read',
        }) +
        note('The defaults of limits are those of [fleet.monitor] where there is a configuration.'),
    )
    .action(run);
}

async function run(options: FleetHealthArguments): Promise<void> {
  const [
    { receiverConfigDefinition },
    { fleetSchema },
    { runFleetHealth },
    { openNotifiers },
    { remediationFor },
    { windowOf },
  ] = await Promise.all([
    import('../../src/receiver/receiver-config.ts'),
    import('../../src/receiver/config/fleet-config.ts'),
    import('../../src/fleet-health/app.ts'),
    import('../../src/fleet-health/notify/open-notifiers.ts'),
    import('../../src/receiver/version-gate/remediation.ts'),
    import('../../src/receiver/version-gate/choose-sources.ts'),
  ]);
  endWithReader();
  const logger = commandLogger(options.logLevel);
  const isConfigured = options.config !== undefined || existsSync(receiverConfigDefinition.defaultPath);
  const config = isConfigured ? await readConfig(options, receiverConfigDefinition, logger) : undefined;
  const fleet = config?.fleet ?? fleetSchema({ baseDirectory: '/' }).parse({});
  const configured = config?.version_gate.remediation;
  const paths = pathsOf(options, config);
  // Another ledger than the store's own tells nothing of this receiver, and nobody of its faults.
  const isOwn = config !== undefined && paths.indexPath === join(config.store.root, 'index.jsonl');
  await runFleetHealth({
    ...paths,
    thresholds: thresholdsOf(options, fleet.monitor),
    attempts: { from: options.attempts, unit: options.unit, journalFile: options.journalFile },
    expectedHosts: fleet.expected_hosts,
    receiver: isOwn
      ? {
          url: receiverUrl(config),
          storeRoot: config.store.root,
          minFreeBytes: config.store.min_free,
          gate: config.version_gate.enabled
            ? { window: windowOf(config.version_gate), commits: config.version_gate.commits }
            : 'off',
        }
      : undefined,
    updateCommands: {
      git: remediationFor({ configured, installedFrom: 'git' }).split('\n'),
      release: remediationFor({ configured, installedFrom: 'release' }).split('\n'),
    },
    nowWall: options.now,
    dryRun: options.dryRun ?? false,
    json: options.json ?? false,
    telling: {
      notifiers: isOwn ? openNotifiers(fleet.notifier) : [],
      heartbeatUrl: isOwn ? fleet.heartbeat_url : undefined,
      recoveryRuns: fleet.monitor.recovery_runs,
      reminderS: fleet.monitor.reminder_s,
    },
    output: process.stdout,
    logger,
    clock: systemClock,
  });
}

/** The default is told and not set: where there is a configuration, it has its own. */
function limit(flags: string, what: string, byDefault: number, parse = zeroOrMore): Option {
  return new Option(flags, `${what} (default: ${byDefault})`).argParser(parse);
}

/** Alerts of another ledger than the store's never go among the store's own. */
function pathsOf({ indexPath, alertsPath }: FleetHealthArguments, config: ReceiverConfig | undefined) {
  const index = resolve(indexPath ?? join(config?.store.root ?? DEFAULT_ROOT, 'index.jsonl'));
  return { indexPath: index, alertsPath: resolve(alertsPath ?? join(dirname(index), 'alerts.jsonl')) };
}

function thresholdsOf(options: FleetHealthArguments, monitor: ReceiverConfig['fleet']['monitor']): Thresholds {
  return {
    ...monitor,
    ...(options.lookbackHours !== undefined && { lookback_hours: options.lookbackHours }),
    ...(options.silentThresholdMin !== undefined && { silent_threshold_min: options.silentThresholdMin }),
    ...(options.recentWindowMin !== undefined && { recent_window_min: options.recentWindowMin }),
    ...(options.fatalRatioThreshold !== undefined && { fatal_ratio_threshold: options.fatalRatioThreshold }),
    ...(options.fatalMinCount !== undefined && { fatal_min_count: options.fatalMinCount }),
  };
}

/** Where it listens, as this machine reaches it. Undefined where the system chose the port. */
function receiverUrl({ fleet, listen }: ReceiverConfig): string | undefined {
  if (fleet.monitor.receiver_url !== undefined) return fleet.monitor.receiver_url;
  if (listen.port === 0) return undefined;
  return listenUrl(listen);
}

function wallTime(text: string): string {
  const us = parseTimeUs(text);
  if (us === undefined) throw new InvalidArgumentError('must be a time in ISO 8601, such as 2026-05-01T12:00:00Z.');
  return formatWallTime(Temporal.Instant.fromEpochNanoseconds(BigInt(us) * 1000n));
}

function zeroOrMore(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('must be a number, 0 or more.');
  }
  return value;
}

function ratio(text: string): number {
  const value = zeroOrMore(text);
  if (value > 1) throw new InvalidArgumentError('must be a number from 0 to 1.');
  return value;
}
