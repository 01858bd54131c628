// Releases that hosts can be updated to: commits of a repository that is made of the working tree, built, signed and numbered by the
// program itself.

import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './containers/run-command.ts';
import { GitRepository } from './git-repository.ts';
import { PROJECT_ROOT } from './program.ts';

const PROGRAM = join(PROJECT_ROOT, 'bin/cis490');
const PLATFORM = `linux-${process.arch}`;
/** On a host: how the release that fails is to fail there. */
export const FAULT_FILE = 'etc/cis490-fault';

// For what systemd itself has started: whoever tries the release beforehand sees nothing of it.
const FAULTS = `
if [ "\${SYSTEMD_EXEC_PID:-}" = $$ ]; then
  case "$(cat /${FAULT_FILE} 2>/dev/null) \${1:-}" in
    'ends shipper') exit 3 ;;
    'dies shipper') (sleep 3; kill -KILL $$) & ;;
    'hangs shipper') exec sleep infinity ;;
    'starts nothing '*) exit 127 ;;
  esac
fi
`;

export class UpdateReleases {
  /** One directory for each number, below it. */
  readonly published: string;
  /** The line for [autoupdate] release_keys. */
  publicKey = '';
  readonly first: string;
  /** Its updater says that it is another, and its units tell the programs so. */
  readonly second: string;
  /** Like the second, but that its programs fail in the way that the host is told to. */
  readonly failing: string;
  readonly #directory: string;
  readonly #repository: GitRepository;

  constructor(directory: string) {
    this.#directory = directory;
    this.published = join(directory, 'published');
    mkdirSync(this.published);
    const path = join(directory, 'repository');
    this.#repository = new GitRepository(path);
    const copy = `cd "$1" && git ls-files --cached --others --exclude-standard -z |
      xargs -0 sh -c 'for path; do if [ -e "$path" ]; then printf "%s\\0" "$path"; fi; done' - |
      xargs -0 cp --parents --no-dereference --preserve=mode -t "$2"`;
    execFileSync('sh', ['-e', '-c', copy, '-', PROJECT_ROOT, path]);
    this.first = this.#commit('first');
    this.#edit('src/lab-host/autoupdate/app.ts', "'update done'", "'update done by the second updater'");
    this.#edit('etc/systemd/cis490-shipper.service', '[Service]\n', '[Service]\nEnvironment=CIS490_RELEASE=second\n');
    this.second = this.#commit('second');
    this.#edit('etc/systemd/cis490-shipper.service', '=second\n', '=failing\n');
    this.#edit('bin/cis490', '#!/bin/sh\n', `#!/bin/sh${FAULTS}`);
    this.failing = this.#commit('failing');
  }

  /** Of a key that is made at its first use. */
  async makeKey(name: string): Promise<string> {
    return (await mustRun([PROGRAM, 'release', 'keygen', '--out', this.#key(name)])).trim();
  }

  async build(commit: string): Promise<void> {
    const { path } = this.#repository;
    const where = ['--repository', path, '--commit', commit, '--out', this.#built(commit), '--platform', PLATFORM];
    await mustRun([PROGRAM, 'release', 'build', ...where]);
  }

  /** What was built, where a person would unpack it. */
  async unpack(commit: string, directory: string): Promise<void> {
    const bundle = readdirSync(this.#built(commit)).find((name) => name.endsWith('.tar.zst')) ?? '';
    await mustRun(['tar', '--zstd', '-xf', join(this.#built(commit), bundle), '-C', directory]);
  }

  /** What was built, under a number, ready to be published from `published/<number>`. */
  async sign(commit: string, number: number, key: string): Promise<void> {
    const directory = join(this.published, String(number));
    mkdirSync(directory);
    for (const name of readdirSync(this.#built(commit))) {
      const place = name.endsWith('.json') ? copyFileSync : linkSync;
      place(join(this.#built(commit), name), join(directory, name));
    }
    await mustRun([PROGRAM, 'release', 'sign', '--key', this.#key(key), '--number', String(number), directory]);
  }

  #built(commit: string): string {
    return join(this.#directory, 'built', commit);
  }

  #key(name: string): string {
    return join(this.#directory, `${name}.key`);
  }

  #commit(message: string): string {
    this.#repository.run('add', '--all');
    return this.#repository.commit(message);
  }

  #edit(name: string, from: string, to: string): void {
    const path = join(this.#repository.path, name);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new Error(`${name} has no ${from} any more`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
}
