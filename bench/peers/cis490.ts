// CIS490's receiver as it is deployed: its launcher, its defaults, its log going to a file.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Episode } from '../load.ts';
import { COMMIT } from '../load-process.ts';
import { freePort, startServer } from './child-server.ts';
import type { Contender, RunningContender } from './contender.ts';

export const LAUNCHER = fileURLToPath(new URL('../../bin/cis490', import.meta.url));

// As long as the default window: the gate's look-up is among as many commits as in a deployment.
const WINDOW = [COMMIT, ...Array.from({ length: 99 }, (_, index) => index.toString(16).padStart(40, 'f'))];
const GATE = `commits = ${JSON.stringify(WINDOW)}`;

export const cis490 = receiver('CIS490', GATE);
export const cis490WithoutGate = receiver('CIS490, its gate off', 'enabled = false');

export interface RunningReceiver {
  port: number;
  pid: number;
  /** The store. */
  root: string;
  stop(): Promise<void>;
}

/** `tls`: the lines of `[listen.tls]`; plain HTTP without them. */
export async function startReceiver(
  directory: string,
  { gate = GATE, tls }: { gate?: string; tls?: string } = {},
): Promise<RunningReceiver> {
  const port = await freePort();
  const root = join(directory, 'store');
  const config = join(directory, 'receiver.toml');
  const listen = `[listen]\nport = ${port}\n${tls === undefined ? '' : `[listen.tls]\n${tls}\n`}`;
  await writeFile(config, `${listen}[store]\nroot = "${root}"\nmin_free = "64 MiB"\n[version_gate]\n${gate}\n`);
  const { pid, stop } = await startServer(LAUNCHER, ['receiver', '--config', config], { directory, port });
  return { port, pid, root, stop };
}

function receiver(name: string, gate: string): Contender {
  return {
    name,
    missing: () => undefined,
    async start(directory): Promise<RunningContender> {
      const { port, pid, root, stop } = await startReceiver(directory, { gate });
      return {
        port,
        pid,
        take: ({ load, ...work }) => load.put({ port, ...work }),
        fileOf: ({ hostId, episodeId }) => join(root, 'episodes', hostId, `${episodeId}.tar.zst`),
        verify: (episodes, sha256s) => verifyLedger(root, episodes, sha256s),
        stop,
      };
    },
  };
}

/** One row each, with the right digest. */
async function verifyLedger(root: string, episodes: readonly Episode[], sha256s: readonly string[]): Promise<void> {
  const digests = await readLedger(root);
  for (const { hostId, episodeId, body } of episodes) {
    const found = digests.get(`${hostId}/${episodeId}`) ?? [];
    if (found.length !== 1 || found[0] !== sha256s[body]) {
      throw new Error(`${root} has ${found.length} rows of ${hostId}/${episodeId}: ${found.join(', ')}`);
    }
  }
}

/** The digests that the ledger has for each `host/episode`. Throws when its last line is not whole. */
export async function readLedger(root: string): Promise<Map<string, string[]>> {
  const text = await readFile(join(root, 'index.jsonl'), 'utf8');
  if (!text.endsWith('\n')) throw new Error(`the ledger in ${root} ends in a torn line`);
  const digests = new Map<string, string[]>();
  for (const line of text.trimEnd().split('\n')) {
    const row = JSON.parse(line) as { host_id: string; episode_id: string; sha256: string };
    const key = `${row.host_id}/${row.episode_id}`;
    digests.set(key, [...(digests.get(key) ?? []), row.sha256]);
  }
  return digests;
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
