// Builds the doctor of a lab host and asks it once. It reads only: nothing on this machine or on the receiver is changed.

import { resolve } from 'node:path';
import { loginName } from '../../lib/become-owner.ts';
import { ConfigError } from '../../lib/config/config-error.ts';
import { type LoadedConfig, loadConfig } from '../../lib/config/load-config.ts';
import { red } from '../../lib/self-check/check-result.ts';
import { requireRights } from '../../lib/self-check/require-rights.ts';
import { runChecks } from '../../lib/self-check/run-checks.ts';
import {
  DOCTOR_SCHEMA_VERSION,
  type DoctorCheck,
  type DoctorReport,
  inCheckForm,
  overallStatus,
} from '../../protocol/doctor-report.ts';
import { readInstalledVersion } from '../installed-version.ts';
import { type LabHostConfig, labHostConfigDefinition } from '../lab-host-config.ts';
import type { Check } from './check.ts';
import { ALL_CHECKS } from './checks/all-checks.ts';
import { createCures } from './cures.ts';
import { createDoctorContext, type DoctorContext, type DoctorOptions } from './doctor-context.ts';

/**
 * A configuration that cannot be used is a finding, too: the report then has that one check. Throws `bad-input` when whoever asks may not
 * read it, and nothing else for what is wrong with this host.
 */
export async function collectDoctorReport(given: DoctorOptions): Promise<DoctorReport> {
  const options = { ...given, configPath: resolve(given.configPath) };
  const { clock, configPath } = options;
  const loaded = load(configPath);
  const checks = loaded instanceof ConfigError ? [badConfiguration(options, loaded)] : await look(options, loaded);
  return {
    schema_version: DOCTOR_SCHEMA_VERSION,
    role: 'lab-host',
    host_id: loaded instanceof ConfigError ? null : loaded.config.host_id,
    status: overallStatus(checks),
    generated_at_wall: clock.wallTime(),
    commit: (await readInstalledVersion(options.installRoot))?.commit ?? null,
    checks,
  };
}

function load(path: string): LoadedConfig<LabHostConfig> | ConfigError {
  try {
    return loadConfig(labHostConfigDefinition, path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    requireRights(error, process.getuid?.() ?? 0, loginName());
    return error;
  }
}

async function look(options: DoctorOptions, loaded: LoadedConfig<LabHostConfig>): Promise<DoctorCheck[]> {
  const context = await createDoctorContext(options, loaded);
  try {
    const { clock, cures } = context;
    const done = await runChecks<DoctorContext, Check>(Object.values(ALL_CHECKS), context, {
      clock,
      again: cures.again,
    });
    return done.map(({ check, result, durationMs }) => inCheckForm(check.id, result, durationMs));
  } finally {
    context.receiver.close();
  }
}

function badConfiguration(options: DoctorOptions, { mistakes, message }: ConfigError): DoctorCheck {
  const { configPath, environment, installRoot } = options;
  const cures = createCures({ configPath, installRoot, environment });
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
  const summary = `${message.split('\n')[0]}${more}`;
  const isAbsent = mistakes.some(({ message: what }) => what === 'there is no such file');
  const found = isAbsent
    ? red(summary, `sudo cp ${cures.inRoot('etc/lab-host.toml.example')} ${cures.configFile}`, cures.editConfig)
    : red(summary, ...mend(mistakes, cures.editConfig), cures.checkConfig);
  return inCheckForm('configuration', found);
}

/** A secret that others can read is no mistake in the file itself: its message has the command. */
function mend(mistakes: ConfigError['mistakes'], edit: string): string[] {
  const commands = mistakes.map(({ message }) => /; run: (chmod \d+ .*)$/.exec(message)?.[1]);
  return [...new Set(commands.map((command) => (command === undefined ? edit : `sudo ${command}`)))];
}
