// What machines leave behind outside of their processes: mounts, network namespaces, control groups, directories. Each carries the id of the
// process that made it, so that what a killed test left is told from what is in use.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = /^cis490-m(\d+)-/;
const NAMESPACES = '/run/netns';

/** A name for something of this process that `removeOf` finds. */
export function ownName(rest: string): string {
  return `cis490-m${process.pid}-${rest}`;
}

/** Where the unified hierarchy of control groups is mounted; undefined where there is none. */
export function controlGroupRoot(): string | undefined {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return mounts.find((line) => / - cgroup2 /.test(line))?.split(' ')[4];
}

/** Of processes that are dead. */
export function removeLeftovers(): void {
  const pids = new Set([...names()].map((name) => NAME.exec(name)?.[1] ?? ''));
  for (const pid of pids) if (!existsSync(`/proc/${pid}`)) removeOf(Number(pid));
}

/** All of a process's machines, which must not be in use any more but by themselves. */
export function removeOf(pid: number): void {
  const isOurs = (name: string) => NAME.exec(name)?.[1] === String(pid);
  const groups = controlGroupRoot() ?? '';
  for (const group of list(groups).filter(isOurs)) endGroup(join(groups, group));
  for (const mount of mountsOf(pid)) quietly('umount', ['--lazy', mount]);
  for (const namespace of list(NAMESPACES).filter(isOurs)) quietly('ip', ['netns', 'delete', namespace]);
  for (const directory of list(tmpdir()).filter(isOurs))
    rmSync(join(tmpdir(), directory), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Ends what still runs in it, and takes it away with all below. */
export function endGroup(path: string): void {
  for (const file of ['cgroup.kill'])
    if (existsSync(join(path, file))) quietly('sh', ['-c', `echo 1 >${path}/${file}`]);
  for (const deadline = Date.now() + 10_000; existsSync(path) && Date.now() < deadline; ) {
    removeGroups(path);
    if (existsSync(path)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}

function removeGroups(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(join(path, entry.name));
  try {
    rmdirSync(path);
  } catch {
    // Something in it has yet to end.
  }
}

function* names(): Generator<string> {
  for (const directory of [tmpdir(), NAMESPACES, controlGroupRoot() ?? ''])
    for (const name of list(directory)) if (NAME.test(name)) yield name;
}

function mountsOf(pid: number): string[] {
  const below = `/cis490-m${pid}-`;
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.includes(below)).reverse();
}

function list(directory: string): string[] {
  return directory !== '' && existsSync(directory) ? readdirSync(directory) : [];
}

function quietly(command: string, args: string[]): void {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
  } catch {
    // It is gone already.
  }
}
