// Builds the doctor of the receiver and asks it once. It reads only: nothing of the store or of this machine is changed.

import { join } from 'node:path';
import { errnoOf, messageOf } from '../../lib/app-error.ts';
import { ConfigError } from '../../lib/config/config-error.ts';
import { type LoadedConfig, loadConfig } from '../../lib/config/load-config.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { runChecks } from '../../lib/run-checks.ts';
import {
  DOCTOR_SCHEMA_VERSION,
  type DoctorCheck,
  type DoctorReport,
  overallStatus,
} from '../../protocol/doctor-report.ts';
import { parseVersionFile } from '../../protocol/episode-meta.ts';
import { inertLine } from '../inert-text.ts';
import { type ReceiverConfig, receiverConfigDefinition } from '../receiver-config.ts';
import { type Check, type CheckResult, type ReceiverCheckId, red, unknown } from './check.ts';
import { ALL_CHECKS } from './checks/all-checks.ts';
import {
  createReceiverContext,
  type ReceiverContext,
  type ReceiverDoctorOptions,
  receiverCures,
} from './receiver-context.ts';

const LONGEST_CURE_LINE = 4_000;

/** A configuration that cannot be used is a finding, too: the report then has that one check. Never throws for what is wrong here. */
export async function runReceiverDoctor(options: ReceiverDoctorOptions): Promise<DoctorReport> {
  const { clock, configPath, installRoot } = options;
  const loaded = load(configPath);
  const checks =
    loaded instanceof ConfigError
      ? [inForm('configuration', badConfiguration(configPath, loaded), 0)]
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
  const again = context.cures.cis490('doctor --role receiver');
  const done = await runChecks<ReceiverContext, CheckResult, Check>(Object.values(ALL_CHECKS), context, {
    clock: context.clock,
    tooLong: (timeoutMs) => unknown(`not known: it did not end within ${timeoutMs / 1000} s`),
    couldNotLook: (error) => {
      const isForbidden = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
      return unknown(`not known: ${messageOf(error)}`, ...(isForbidden ? [again] : []));
    },
  });
  return done.map(({ check, result, durationMs }) => inForm(check.id, result, durationMs));
}

function load(path: string): LoadedConfig<ReceiverConfig> | ConfigError {
  try {
    return loadConfig(receiverConfigDefinition, path);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function badConfiguration(configPath: string, { mistakes, message }: ConfigError): CheckResult {
  const cures = receiverCures(configPath);
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
  return red(`${message.split('\n')[0]}${more}`, cures.editConfig, cures.checkConfig);
}

/** As it stands in the report: whatever came from outside can drive no terminal. */
function inForm(id: ReceiverCheckId, { status, summary, cure }: CheckResult, durationMs: number): DoctorCheck {
  const lines = cure?.split('\n').map((line) => inertLine(line, LONGEST_CURE_LINE));
  return {
    id,
    status,
    summary: inertLine(summary),
    cure: lines?.join('\n') ?? null,
    duration_ms: Math.round(durationMs),
  };
}
