// The directory of an all-in-one run: the configuration of a receiver and a lab host, and the stamp of the code that records.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../lib/app-error.ts';
import { readIfThere } from '../lib/read-if-there.ts';
import { parseCommit } from '../protocol/commit.ts';
import { type CodeVersion, parseVersionFile } from '../protocol/episode-meta.ts';

// On no branch of anything: it stands for code that was left behind.
const STALE_COMMIT = '5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e';

const STALE_SHOWN = 'stale-episode-shown';

export interface PreparedRun {
  receiverConfig: string;
  labHostConfig: string;
  /** A lab host whose only workload is stamped with a stale commit; undefined when an earlier run has shown it already. */
  staleHostConfig: string | undefined;
  store: string;
  data: string;
  codeVersion: CodeVersion;
}

export async function prepareDirectory(directory: string, installRoot: string, port: number): Promise<PreparedRun> {
  const at = (name: string) => join(directory, name);
  const { codeVersion, gateSource } = await readCode(installRoot);
  const wasStaleShown = (await readIfThere(at(STALE_SHOWN))) !== undefined;
  for (const name of ['store', 'data', 'code', 'stale-code']) await mkdir(at(name), { recursive: true });
  await writeFile(at('code/VERSION'), `${JSON.stringify(codeVersion)}\n`);
  await writeFile(at('stale-code/VERSION'), `${STALE_COMMIT}\n`);
  await writeFile(at('receiver.toml'), receiverToml(at('store'), installRoot, port, gateSource));
  await writeFile(
    at('lab-host.toml'),
    labHostToml(directory, installRoot, port, { name: 'telemetry', codeRoot: at('code'), seconds: 3 }),
  );
  await writeFile(
    at('stale-lab-host.toml'),
    labHostToml(directory, installRoot, port, { name: 'stale-telemetry', codeRoot: at('stale-code'), seconds: 1 }),
  );
  return {
    receiverConfig: at('receiver.toml'),
    labHostConfig: at('lab-host.toml'),
    staleHostConfig: wasStaleShown ? undefined : at('stale-lab-host.toml'),
    store: at('store'),
    data: at('data'),
    codeVersion,
  };
}

/** The refusal was seen: later runs go without it. */
export async function rememberStaleShown(directory: string): Promise<void> {
  await writeFile(join(directory, STALE_SHOWN), '');
}

/** A checkout's commit and branch, or an installed release's VERSION. */
async function readCode(installRoot: string): Promise<{ codeVersion: CodeVersion; gateSource: string[] }> {
  const stamped = parseVersionFile((await readIfThere(join(installRoot, 'VERSION'))) ?? '');
  if (stamped) return { codeVersion: stamped, gateSource: [`commits = ["${stamped.commit}"]`] };
  const git = async (...args: string[]) => (await promisify(execFile)('git', ['-C', installRoot, ...args])).stdout;
  try {
    const commit = parseCommit(await git('rev-parse', 'HEAD'));
    if (!commit) throw new Error('git rev-parse HEAD printed no commit');
    const dirty = (await git('status', '--porcelain')).trim() !== '';
    const gateSource = [`local_repo_path = ${JSON.stringify(installRoot)}`, 'branch = "HEAD"'];
    return { codeVersion: { commit, dirty, stamped_at_wall: null }, gateSource };
  } catch (error) {
    throw new AppError('bad-input', `${installRoot} says neither by git nor by a VERSION file which commit it is`, {
      hint: `try: git -C ${installRoot} rev-parse HEAD`,
      cause: error,
    });
  }
}

const WRITTEN_ANEW = '# Written anew by each `cis490 all-in-one`: copy it before you edit it.';

function receiverToml(store: string, installRoot: string, port: number, gateSource: string[]): string {
  // What cures stale code on this machine: the default speaks of an installed lab host.
  const remediation = [`git -C ${installRoot} pull`, 'npm start'];
  return `${[
    WRITTEN_ANEW,
    '[listen]',
    'host = "127.0.0.1"',
    `port = ${port}`,
    '[store]',
    `root = ${JSON.stringify(store)}`,
    'min_free = "64 MiB"',
    '[version_gate]',
    ...gateSource,
    `remediation = ${JSON.stringify(remediation)}`,
  ].join('\n')}\n`;
}

function labHostToml(
  directory: string,
  installRoot: string,
  port: number,
  workload: { name: string; codeRoot: string; seconds: number },
): string {
  const command = [join(installRoot, 'bin/cis490'), 'telemetry', '--duration', String(workload.seconds), '--rate', '4'];
  return `${[
    WRITTEN_ANEW,
    'host_id = "this-machine"',
    '[paths]',
    `data_dir = ${JSON.stringify(join(directory, 'data'))}`,
    '[receiver]',
    `url = "http://127.0.0.1:${port}"`,
    '[shipper]',
    'scan_interval_s = 1',
    '[orchestrator]',
    'enabled = true',
    'drain_max_s = 6',
    '[[orchestrator.workload]]',
    `name = "${workload.name}"`,
    `command = ${JSON.stringify(command)}`,
    'interval_s = 5',
    'timeout_s = 30',
    'schema_version = "telemetry-1"',
    `code_root = ${JSON.stringify(workload.codeRoot)}`,
  ].join('\n')}\n`;
}
