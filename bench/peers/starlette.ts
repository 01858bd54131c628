// Starlette on uvicorn, as Debian packages them, with uvloop and httptools: with fsync of file and directory, and without.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startServer } from './child-server.ts';
import type { Contender } from './contender.ts';

// Debian's own, which sees Debian's packages; another python3 may come first on the PATH.
const PYTHON = '/usr/bin/python3';
const PROGRAM = fileURLToPath(new URL('starlette_put.py', import.meta.url));

export const starletteWithFsync = starlette('Starlette, fsync', ['--fsync']);
export const starletteWithoutFsync = starlette('Starlette, no fsync', []);

function starlette(name: string, options: readonly string[]): Contender {
  return {
    name,
    missing: () =>
      starletteVersions() === undefined
        ? 'apt-get install python3-starlette python3-uvicorn python3-uvloop python3-httptools'
        : undefined,
    async start(directory) {
      const port = await freePort();
      const args = [PROGRAM, '--port', String(port), '--root', directory, ...options];
      const { stop } = await startServer(PYTHON, args, { directory, port });
      return {
        port,
        take: ({ load, ...work }) => load.put({ port, ...work }),
        fileOf: ({ hostId, episodeId }) => join(directory, 'episodes', hostId, `${episodeId}.tar.zst`),
        stop,
      };
    },
  };
}

export function starletteVersions(): string | undefined {
  const script =
    'import platform, starlette, uvicorn, uvloop, httptools; print(f"Python {platform.python_version()}, ' +
    'Starlette {starlette.__version__}, uvicorn {uvicorn.__version__}, uvloop {uvloop.__version__}, httptools {httptools.__version__}")';
  const { status, stdout } = spawnSync(PYTHON, ['-c', script], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
