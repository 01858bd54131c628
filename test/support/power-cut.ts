// What a power cut would take from a directory at any moment of a traced run: what was written and not fsynced, and the names that were
// made in a directory and not fsynced with it. Stricter than any one filesystem: no fsync of a file keeps its name.

import { readdirSync, rmSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { Program } from './program.ts';
import { readTrace, type SystemCall } from './traced-program.ts';

const CALLS =
  'write,writev,pwrite64,pwritev,copy_file_range,sendfile,ftruncate,openat,mkdir,mkdirat,symlink,symlinkat,link,linkat,rename,renameat,renameat2,unlink,unlinkat,rmdir,fsync,fdatasync,connect';
// A step that does not wait for an fsync must not look as if it had because the disk was quick.
const SLOW_SYNCS = 'inject=fsync,fdatasync:delay_enter=20000';
// Made anew at each start (SQLite's WAL index), or held while a process lives: nobody needs them after a power cut.
const NEEDED_BY_NOBODY = /\.db-shm$|\.lock\.db(-\w+)?$/;

export class TracedDirectory {
  readonly calls: SystemCall[];
  readonly #root: string;
  readonly #before: ReadonlySet<string>;

  private constructor(root: string, before: ReadonlySet<string>, calls: SystemCall[]) {
    this.#root = root;
    this.#before = before;
    this.calls = calls.toSorted((one, other) => one.endedAt - other.endedAt);
  }

  /** Starts `command` under strace. `end` resolves, once it has ended, with what it did below `root`. */
  static start(root: string, command: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const before = new Set(pathsUnder(root));
    const trace = `${root}.trace`;
    const args = ['-fyqq', '--seccomp-bpf', '-s', '120', '-o', trace, '-e', `trace=${CALLS}`, '-e', SLOW_SYNCS];
    const program = Program.command('strace', [...args, ...command], { UV_THREADPOOL_SIZE: '24', ...environment });
    const end = async (): Promise<TracedDirectory> => {
      await program.ended;
      const calls = readTrace(trace);
      rmSync(trace);
      return new TracedDirectory(root, before, calls);
    };
    return { program, end };
  }

  /** The first call that matches `name(args`; throws when there is none. */
  first(pattern: RegExp): SystemCall {
    const found = this.calls.find(({ name, args }) => pattern.test(`${name}(${args}`));
    if (!found) throw new Error(`the trace has no ${pattern}`);
    return found;
  }

  all(pattern: RegExp): SystemCall[] {
    return this.calls.filter(({ name, args }) => pattern.test(`${name}(${args}`));
  }

  /** What a power cut takes of a file or a directory that is renamed, were it taken right after its new name had become durable. */
  lostInMove(move: SystemCall): string[] {
    const [, from = ''] = /"([^"]*)"/.exec(move.args) ?? [];
    const path = from.slice(this.#root.length + 1);
    return this.lostBefore(move).filter((line) => line === `content of ${path}` || line.includes(` of ${path}/`));
  }

  /** What a power cut takes right before that call began, at the end without one: `content of …`, `name of …`, below the root. */
  lostBefore(call?: SystemCall): string[] {
    const disk = new UnsyncedState(this.#root, this.#before);
    for (const done of this.calls) if (!call || done.endedAt < call.startedAt) disk.did(done);
    return disk.lost();
  }
}

/** Keys are absolute paths, values the place in the trace where the change ended. */
class UnsyncedState {
  readonly #root: string;
  readonly #known: Set<string>;
  #contents = new Map<string, number>();
  #names = new Map<string, number>();

  constructor(root: string, known: ReadonlySet<string>) {
    this.#root = root;
    this.#known = new Set(known);
  }

  did({ name, args, result, startedAt, endedAt }: SystemCall): void {
    // It failed, and changed nothing.
    if (result.startsWith('-1')) return;
    const [, descriptorPath = ''] = /^\d+<([^>]*)>/.exec(args) ?? [];
    const [from = '', to = ''] = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = '']) => normalize(path));
    if (/^p?writev?(64)?$|^ftruncate$/.test(name)) this.#contents.set(descriptorPath, endedAt);
    else if (/^copy_file_range$|^sendfile$/.test(name)) this.#contents.set(lastDescriptor(name, args), endedAt);
    else if (name === 'fsync' || name === 'fdatasync') this.#synced(descriptorPath, startedAt);
    else if (name === 'openat') args.includes('O_CREAT') && this.#made(from, endedAt);
    else if (name.startsWith('mkdir')) this.#made(from, endedAt);
    else if (/^symlink|^link/.test(name)) this.#made(to, endedAt);
    else if (name.startsWith('rename')) this.#moved(from, to, endedAt);
    else if (/^unlink|^rmdir/.test(name)) this.#gone(from);
  }

  lost(): string[] {
    const isOurs = (path: string) => path.startsWith(`${this.#root}/`) && !NEEDED_BY_NOBODY.test(path);
    const below = (path: string) => path.slice(this.#root.length + 1);
    return [
      ...[...this.#contents.keys()].filter(isOurs).map((path) => `content of ${below(path)}`),
      ...[...this.#names.keys()].filter(isOurs).map((path) => `name of ${below(path)}`),
    ].sort();
  }

  #made(path: string, at: number): void {
    if (!this.#known.has(path)) this.#names.set(path, at);
    this.#known.add(path);
  }

  /** Only what had ended when the sync began is sure to be in it. */
  #synced(path: string, startedAt: number): void {
    if ((this.#contents.get(path) ?? Number.POSITIVE_INFINITY) < startedAt) this.#contents.delete(path);
    for (const [name, at] of this.#names) if (dirname(name) === path && at < startedAt) this.#names.delete(name);
  }

  #moved(from: string, to: string, at: number): void {
    this.#gone(to);
    const carried = (map: Map<string, number>) =>
      new Map([...map].map(([path, since]) => [isAt(path, from) ? to + path.slice(from.length) : path, since]));
    this.#contents = carried(this.#contents);
    this.#names = carried(this.#names);
    for (const path of [...this.#known]) if (isAt(path, from)) this.#known.add(to + path.slice(from.length));
    this.#known.delete(from);
    this.#names.set(to, at);
  }

  #gone(path: string): void {
    for (const map of [this.#contents, this.#names])
      for (const key of [...map.keys()]) if (isAt(key, path)) map.delete(key);
    this.#known.delete(path);
  }
}

const isAt = (path: string, place: string) => path === place || path.startsWith(`${place}/`);

/** copy_file_range(2) writes to its second descriptor, sendfile(2) to its first. */
function lastDescriptor(name: string, args: string): string {
  const [first = '', second = ''] = [...args.matchAll(/\d+<([^>]*)>/g)].map(([, path = '']) => path);
  return name === 'sendfile' ? first : second;
}

function pathsUnder(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return [root, ...entries.map((it) => join(it.parentPath, it.name))];
}
