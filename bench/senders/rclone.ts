// rclone to itself: `rclone copy` of tarballs that are there already, to `rclone serve webdav`. It neither packs, nor hashes, nor fsyncs.

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureCommand } from '../measure-command.ts';
import { freePort, startServer } from '../peers/child-server.ts';
import { sha256OfFile } from '../peers/cis490.ts';
import type { MakeEpisode, RunningSender, Sender } from './sender.ts';

// As Debian packages it; another one may come first on the PATH.
const RCLONE = '/usr/bin/rclone';
const SAMPLES = 8;
// None of the user's own.
const NO_CONFIG = ['--config', ''];

export const rclone: Sender = {
  name: 'rclone copy to rclone serve webdav, tarballs made before',
  missing: () => (rcloneVersion() === undefined ? 'apt-get install rclone' : undefined),
  async start(directory, { authority, server, host }): Promise<RunningSender> {
    const port = await freePort();
    const [root, outbox] = [join(directory, 'root'), join(directory, 'outbox')];
    await mkdir(root);
    const serve = ['serve', 'webdav', root, '--addr', `127.0.0.1:${port}`, ...NO_CONFIG];
    const identity = ['--cert', server.certFile, '--key', server.keyFile, '--client-ca', authority.certFile];
    const { stop } = await startServer(RCLONE, [...serve, ...identity], { directory, port });
    const credentials = ['--ca-cert', authority.certFile, '--client-cert', host.certFile, '--client-key', host.keyFile];
    const target = ['--webdav-url', `https://127.0.0.1:${port}`, '--webdav-vendor', 'other'];
    const tarballOf = (episodeId: string) => join(outbox, `${episodeId}.tar.zst`);
    let turn = 0;
    const storedFile = (episodeId: string) => join(root, `turn-${turn}`, `${episodeId}.tar.zst`);
    return {
      lay: async (episodeIds, make) => {
        // It lists its target first: a new one each turn, so that it gets no longer.
        turn += 1;
        await layTarballs(outbox, episodeIds.map(tarballOf), make);
      },
      send: (stop) =>
        measureCommand(RCLONE, ['copy', outbox, `:webdav:turn-${turn}`, ...target, ...credentials, ...NO_CONFIG], {
          directory,
          stop,
        }),
      verify: async (episodeIds) => {
        const stored = new Set(await readdir(join(root, `turn-${turn}`)));
        const lost = episodeIds.find((episodeId) => !stored.has(`${episodeId}.tar.zst`));
        if (lost) throw new Error(`rclone has not stored ${lost}`);
        const step = Math.max(1, Math.floor(episodeIds.length / SAMPLES));
        for (const episodeId of episodeIds.filter((_, index) => index % step === 0)) {
          if ((await sha256OfFile(tarballOf(episodeId))) === (await sha256OfFile(storedFile(episodeId)))) continue;
          throw new Error(`rclone damaged ${storedFile(episodeId)}`);
        }
      },
      sentDirectory: tarballOf,
      storedFile,
      stop,
    };
  },
};

export function rcloneVersion(): string | undefined {
  const { status, stdout } = spawnSync(RCLONE, ['version'], { encoding: 'utf8' });
  return status === 0 ? /^rclone v(\S+)/.exec(stdout)?.[1] : undefined;
}

/** Random bytes, as many as the tarball of one episode has: what is compressed already looks no different to it. */
async function layTarballs(outbox: string, paths: readonly string[], make: MakeEpisode): Promise<void> {
  // What was sent in an earlier turn is not looked at again.
  await rm(outbox, { recursive: true, force: true });
  await mkdir(outbox);
  const sample = `${outbox}-sample`;
  await make(sample, 'sample');
  execFileSync('tar', ['--zstd', '-cf', `${sample}.tar.zst`, '-C', sample, '.']);
  const { size } = await stat(`${sample}.tar.zst`);
  await rm(sample, { recursive: true });
  for (const path of paths) await writeFile(path, randomBytes(size));
}
