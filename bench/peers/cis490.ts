// CIS490's receiver as it is deployed: its launcher, its defaults, its log going to a file.

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Episode } from '../load.ts';
import { COMMIT } from '../load-process.ts';
import { freePort, startServer } from './child-server.ts';
import type { Contender, RunningContender } from './contender.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/cis490', import.meta.url));

// As long as the default window: the gate's look-up is among as many commits as in a deployment.
const WINDOW = [COMMIT, ...Array.from({ length: 99 }, (_, index) => index.toString(16).padStart(40, 'f'))];

export const cis490 = receiver('CIS490', `commits = ${JSON.stringify(WINDOW)}`);
export const cis490WithoutGate = receiver('CIS490, its gate off', 'enabled = false');

function receiver(name: string, gate: string): Contender {
  return {
    name,
    missing: () => undefined,
    async start(directory): Promise<RunningContender> {
      const port = await freePort();
      const root = join(directory, 'store');
      const config = join(directory, 'receiver.toml');
      await writeFile(
        config,
        `[listen]\nport = ${port}\n[store]\nroot = "${root}"\nmin_free = "64 MiB"\n[version_gate]\n${gate}\n`,
      );
      const { pid, stop } = await startServer(LAUNCHER, ['receiver', '--config', config], { directory, port });
      return {
        port,
        pid,
        take: ({ load, ...work }) => load.put({ port, ...work }),
        fileOf: ({ hostId, episodeId }) => join(root, 'episodes', hostId, `${episodeId}.tar.zst`),
        verify: (episodes, sha256s) => verifyLedger(join(root, 'index.jsonl'), episodes, sha256s),
        stop,
      };
    },
  };
}

/** One row each, with the right digest; and the ledger's last line is whole. */
async function verifyLedger(path: string, episodes: readonly Episode[], sha256s: readonly string[]): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!text.endsWith('\n')) throw new Error(`${path} ends in a torn line`);
  const digests = new Map<string, string[]>();
  for (const line of text.trimEnd().split('\n')) {
    const row = JSON.parse(line) as { host_id: string; episode_id: string; sha256: string };
    const key = `${row.host_id}/${row.episode_id}`;
    digests.set(key, [...(digests.get(key) ?? []), row.sha256]);
  }
  for (const { hostId, episodeId, body } of episodes) {
    const found = digests.get(`${hostId}/${episodeId}`) ?? [];
    if (found.length !== 1 || found[0] !== sha256s[body]) {
      throw new Error(`${path} has ${found.length} rows of ${hostId}/${episodeId}: ${found.join(', ')}`);
    }
  }
}

export async function sha256OfFile(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
