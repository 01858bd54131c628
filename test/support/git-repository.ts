// A real git repository that a test commits to.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

export class GitRepository {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    this.run('init', '--quiet', '--initial-branch=main');
  }

  /** Adds an empty commit and returns its id. */
  commit(message: string): string {
    this.run(
      '-c',
      'user.name=test',
      '-c',
      'user.email=test@localhost',
      'commit',
      '--quiet',
      '--allow-empty',
      '--message',
      message,
    );
    return this.run('rev-parse', 'HEAD');
  }

  /** As many empty commits in one go. */
  commitMany(count: number, message = 'many'): void {
    const branch = this.run('symbolic-ref', 'HEAD');
    const before = this.#head();
    const stream = Array.from({ length: count }, (_, n) => {
      const from = n === 0 && before ? `from ${before}\n` : '';
      return `commit ${branch}\ncommitter test <test@localhost> ${1_700_000_000 + n} +0000\ndata ${message.length}\n${message}\n${from}\n`;
    });
    execFileSync('git', ['-C', this.path, 'fast-import', '--quiet'], { input: stream.join('') });
  }

  #head(): string | undefined {
    try {
      return this.run('rev-parse', '--verify', '--quiet', 'HEAD');
    } catch {
      return undefined;
    }
  }

  run(...args: string[]): string {
    return execFileSync('git', ['-C', this.path, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }
}
