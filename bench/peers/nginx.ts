// nginx with its DAV module: takes a body into a temporary file and renames it. It neither hashes nor fsyncs.

import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startServer } from './child-server.ts';
import type { Contender, RunningContender } from './contender.ts';

// Not on an ordinary user's PATH in Debian.
const NGINX = '/usr/sbin/nginx';

export const nginx: Contender = {
  name: 'nginx DAV',
  missing: () => (nginxVersion() === undefined ? 'apt-get install nginx-light' : undefined),
  async start(directory): Promise<RunningContender> {
    const port = await freePort();
    const root = join(directory, 'root');
    for (const name of ['root', 'body', 'logs']) await mkdir(join(directory, name));
    const config = join(directory, 'nginx.conf');
    await writeFile(config, configuration(directory, port));
    const { stop } = await startServer(NGINX, ['-p', directory, '-c', config, '-e', join(directory, 'log')], {
      directory,
      port,
    });
    return {
      port,
      take: ({ load, ...work }) => load.put({ port, ...work }),
      fileOf: ({ hostId, episodeId }) => join(root, 'v1', 'episodes', hostId, `${episodeId}.tar.zst`),
      stop,
    };
  },
};

export function nginxVersion(): string | undefined {
  const { status, stderr } = spawnSync(NGINX, ['-V'], { encoding: 'utf8' });
  if (status !== 0 || !stderr.includes('http_dav_module')) return undefined;
  return /nginx\/(\S+)/.exec(stderr)?.[1];
}

// Two workers (README.md says why); body pieces as large as ours and no access log are in its favour.
function configuration(directory: string, port: number): string {
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 2;
pid ${directory}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  client_body_buffer_size 512k;
  client_max_body_size 0;
  proxy_temp_path ${directory}/body;
  fastcgi_temp_path ${directory}/body;
  uwsgi_temp_path ${directory}/body;
  scgi_temp_path ${directory}/body;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port};
    root ${directory}/root;
    location / {
      dav_methods PUT;
      create_full_put_path on;
    }
  }
}
`;
}
