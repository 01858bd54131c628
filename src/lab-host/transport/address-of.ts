// Where a URL leads to, as sockets and commands take it: an IPv6 address without its brackets, and a port whether it is written or not.

import { isIP } from 'node:net';
import { urlToHttpOptions } from 'node:url';

export function addressOf(url: URL): { host: string; port: number } {
  const { hostname, port } = urlToHttpOptions(url);
  return { host: hostname ?? '', port: Number(port ?? (url.protocol === 'https:' ? 443 : 80)) };
}

export function isLoopback(url: URL): boolean {
  const { host } = addressOf(url);
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
