// What the senders to CIS490's receiver share: the receiver, with TLS of its own, the data directory, and the proof that all arrived.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Usage } from '../measure-command.ts';
import { readLedger, sha256OfFile, startReceiver } from '../peers/cis490.ts';
import { HOST_ID, type Lab, type RunningSender } from './sender.ts';

const SAMPLES = 8;
// The notes that a sender leaves beside the recorder's files.
const NOTES = new Set(['receipt.json']);
// Owner and times are no content: CIS490 packs none that would differ from host to host.
const NO_CONTENT = /: (?:Uid|Gid|Mode|Mod time) differs$/;

export interface Place {
  directory: string;
  /** Has `episodes/`. */
  data: string;
  /** `https://…`, without a path. */
  url: string;
}

/** `send` ships all that lies in `episodes/` and moves each to `shipped/`. */
export async function toReceiver(
  directory: string,
  { authority, server }: Lab,
  begin: (place: Place) => Promise<(stop: AbortSignal) => Promise<Usage>>,
): Promise<RunningSender> {
  const data = join(directory, 'data');
  await mkdir(join(data, 'episodes'), { recursive: true });
  const files = { cert_file: server.certFile, key_file: server.keyFile, client_ca_file: authority.certFile };
  const tls = Object.entries(files).map(([key, path]) => `${key} = "${path}"`);
  const { port, root, stop } = await startReceiver(directory, { tls: tls.join('\n') });
  const sentDirectory = (episodeId: string) => join(data, 'shipped', episodeId);
  const storedFile = (episodeId: string) => join(root, 'episodes', HOST_ID, `${episodeId}.tar.zst`);
  return {
    lay: async (episodeIds, make) => {
      for (const episodeId of episodeIds) await make(join(data, 'episodes', episodeId), episodeId);
    },
    send: await begin({ directory, data, url: `https://127.0.0.1:${port}` }),
    verify: async (episodeIds) => {
      const left = await readdir(join(data, 'episodes'));
      if (left.length > 0) throw new Error(`${data} still has ${left.length} episodes, ${left[0]} among them`);
      const digests = await readLedger(root);
      for (const episodeId of episodeIds) {
        const rows = digests.get(`${HOST_ID}/${episodeId}`) ?? [];
        if (rows.length !== 1) throw new Error(`${root} has ${rows.length} rows of ${episodeId}`);
      }
      const step = Math.max(1, Math.floor(episodeIds.length / SAMPLES));
      for (const episodeId of episodeIds.filter((_, index) => index % step === 0)) {
        const path = storedFile(episodeId);
        const [sha256] = digests.get(`${HOST_ID}/${episodeId}`) ?? [];
        if ((await sha256OfFile(path)) !== sha256) throw new Error(`${path} has not the digest of its row`);
        await compare(path, join(data, 'shipped'), episodeId);
      }
    },
    sentDirectory,
    storedFile,
    stop,
  };
}

/** By tar itself, byte by byte and without unpacking to the disk: all files of the episode, and as they are. */
async function compare(tarball: string, directory: string, episodeId: string): Promise<void> {
  const child = spawn('tar', ['--zstd', '--compare', '--verbose', '--file', tarball, '--directory', directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [told, complained] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const lines = `${told}${complained}`.split('\n').filter((line) => line !== '' && !NO_CONTENT.test(line));
  const packed = new Set(lines.map((line) => line.replace(/\/$/, '')));
  for (const entry of await readdir(join(directory, episodeId), { recursive: true })) {
    if (!NOTES.has(entry) && !packed.delete(`${episodeId}/${entry}`)) throw new Error(`${tarball} lacks ${entry}`);
  }
  packed.delete(episodeId);
  if (packed.size > 0) throw new Error(`${tarball} is not its episode: ${[...packed].join('; ')}`);
}
