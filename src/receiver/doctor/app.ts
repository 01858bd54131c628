// Builds the doctor of the receiver and asks it once. It reads only: nothing of the store or of this machine is changed.

import { join } from 'node:path';
import { loginName } from '../../lib/become-owner.ts';
import { ConfigError } from '../../lib/config/config-error.ts';
import { type LoadedConfig, loadConfig } from '../../lib/config/load-config.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { type CheckResult, red } from '../../lib/self-check/check-result.ts';
import { requireRights } from '../../lib/self-check/require-rights.ts';
import { runChecks } from '../../lib/self-check/run-checks.ts';
import {
  DOCTOR_SCHEMA_VERSION,
  type DoctorCheck,
  type DoctorReport,
  inCheckForm,
  overallStatus,
} from '../../protocol/doctor-report.ts';
import { parseVersionFile } from '../../protocol/episode-meta.ts';
import { type ReceiverConfig, receiverConfigDefinition } from '../receiver-config.ts';
import type { Check } from './check.ts';
import { ALL_CHECKS } from './checks/all-checks.ts';
import {
  createReceiverContext,
  type ReceiverContext,
  type ReceiverDoctorOptions,
  receiverCures,
} from './receiver-context.ts';

/**
 * A configuration that cannot be used is a finding, too: the report then has that one check. Throws `bad-input` when whoever asks may not
 * read it, and nothing else for what is wrong here.
 */
export async function runReceiverDoctor(options: ReceiverDoctorOptions): Promise<DoctorReport> {
  const { clock, configPath, installRoot } = options;
  const loaded = load(configPath);
  const checks =
    loaded instanceof ConfigError
      ? [inCheckForm('configuration', badConfiguration(configPath, loaded))]
      : await runAll(createReceiverContext(options, loaded));
  const version = await readIfThere(join(installRoot, 'VERSION')).catch(() => undefined);
  return {
    schema_version: DOCTOR_SCHEMA_VERSION,
    role: 'receiver',
    host_id: null,
    status: overallStatus(checks),
    generated_at_wall: clock.wallTime(),
    commit: parseVersionFile(version ?? '')?.commit ?? null,
    checks,
  };
}

async function runAll(context: ReceiverContext): Promise<DoctorCheck[]> {
  const done = await runChecks<ReceiverContext, Check>(Object.values(ALL_CHECKS), context, {
    clock: context.clock,
    again: context.cures.cis490('doctor --role receiver'),
  });
  return done.map(({ check, result, durationMs }) => inCheckForm(check.id, result, durationMs));
}

function load(path: string): LoadedConfig<ReceiverConfig> | ConfigError {
  try {
    return loadConfig(receiverConfigDefinition, path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    requireRights(error, process.getuid?.() ?? 0, loginName());
    return error;
  }
}

function badConfiguration(configPath: string, { mistakes, message }: ConfigError): CheckResult {
  const cures = receiverCures(configPath);
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
  return red(`${message.split('\n')[0]}${more}`, cures.editConfig, cures.checkConfig);
}
