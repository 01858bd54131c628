// What one would write in an afternoon: tar, zstd and curl in a shell script, to the same receiver and with the same headers.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { COMMIT } from '../load-process.ts';
import { measureCommand } from '../measure-command.ts';
import { HOST_ID, SCHEMA_VERSION, type Sender } from './sender.ts';
import { toReceiver } from './to-receiver.ts';

export const shellLoop = script('shell loop: tar --zstd, sha256sum, curl', 'shell-loop.sh');
export const packThenPut = script('tar and zstd -3 -T1 to a file, sha256sum, curl', 'pack-then-put.sh');

function script(name: string, file: string): Sender {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return {
    name,
    missing: () =>
      ['bash', 'tar', 'zstd', 'curl'].every((command) => spawnSync(command, ['--version']).status === 0)
        ? undefined
        : 'apt-get install bash tar zstd curl',
    start: (directory, lab) =>
      toReceiver(directory, lab, async ({ data, url }) => {
        const { authority, host } = lab;
        const target = `${url}/v1/episodes/${HOST_ID}`;
        const credentials = [authority.certFile, host.certFile, host.keyFile];
        const args = [path, data, target, ...credentials, COMMIT, SCHEMA_VERSION];
        return (stop) => measureCommand('bash', args, { directory, stop });
      }),
  };
}

/** Undefined where one of them is missing. */
export function scriptVersions(): string | undefined {
  const versions = ['tar', 'zstd', 'curl'].map((command) => {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    const version = /\d+\.\d+(?:\.\d+)?/.exec(status === 0 ? stdout : '')?.[0];
    return version && `${command} ${version}`;
  });
  return versions.every(Boolean) ? versions.join(', ') : undefined;
}
