// A lab host to look at: a real configuration and data directory, and stand-ins for the programs of the system, found by PATH.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { createLogger } from '../../lib/logger.ts';
import { labHostConfigDefinition } from '../lab-host-config.ts';
import { createDoctorContext, type DoctorContext } from './doctor-context.ts';

export const COMMIT = 'c'.repeat(40);

export interface SickHost {
  /** More TOML, after `[receiver] url`. */
  toml?: string;
  url?: string;
  /** VERSION; null for none. */
  version?: string | null;
  /** Name → the body of a shell script. */
  programs?: Record<string, string>;
  journalFile?: string;
  clock?: Clock;
}

/** `root/data/episodes` is there; `root` is the install root, too. */
export async function labHost(t: TestContext, host: SickHost = {}): Promise<DoctorContext & { root: string }> {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'data', 'episodes'), { recursive: true });
  const configPath = join(root, 'lab-host.toml');
  const url = host.url ?? 'http://127.0.0.1:9';
  writeFileSync(
    configPath,
    `host_id = "lab-1"\n[paths]\ndata_dir = "data"\n[receiver]\nurl = "${url}"\n${host.toml ?? ''}\n`,
  );
  const { version = COMMIT } = host;
  if (version !== null) writeFileSync(join(root, 'VERSION'), version);
  const options = {
    configPath,
    installRoot: root,
    journalFile: host.journalFile,
    environment: { ...process.env, PATH: `${standIns(root, host.programs ?? {})}:${process.env['PATH']}` },
    clock: host.clock ?? systemClock,
    logger: createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined }),
  };
  const context = await createDoctorContext(options, loadConfig(labHostConfigDefinition, configPath));
  t.after(() => context.receiver.close());
  return { ...context, root };
}

function standIns(root: string, programs: Record<string, string>): string {
  const directory = join(root, 'programs');
  mkdirSync(directory);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  return directory;
}

/** The wall clock stands `offsetMs` off; time passes as ever. */
export function clockOff(offsetMs: number): Clock {
  return {
    ...systemClock,
    wallTime: () => new Date(Date.now() + offsetMs).toISOString().replace('Z', '000+00:00'),
  };
}

/** What `systemctl show` answers: `unit` is in `$3`. */
export function systemctl(answers: Record<string, string>): string {
  const cases = Object.entries(answers).map(
    ([unit, properties]) => `${unit}) printf '${properties.replaceAll(' ', '\\n')}\\n' ;;`,
  );
  return `case "$3" in\n${cases.join('\n')}\n*) printf 'LoadState=not-found\\nActiveState=inactive\\n' ;;\nesac`;
}
