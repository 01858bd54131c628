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

  run(...args: string[]): string {
    return execFileSync('git', ['-C', this.path, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }
}
