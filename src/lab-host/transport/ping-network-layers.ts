// The layers of the path below TLS: the name, the connection, and packets of full size.

import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AppError } from '../../lib/app-error.ts';
import { addressOf } from './address-of.ts';
import { failed, type Layer, type PingPath } from './ping-layers.ts';

// Several Ethernet frames, in fields that servers with narrow limits take (8 KiB a field in aiohttp, 16 KiB in all in Node).
const PADDING_FIELDS = 4;
const PADDING_FIELD_BYTES = 1_800;
// RFC 7301 bounds a protocol's name at 255 bytes.
const PADDING_PROTOCOLS = Array.from({ length: 32 }, (_, index) => `padding-${index}-`.padEnd(200, 'x'));

export const nameLayer: Layer = async (path) => {
  const { host } = addressOf(path.url);
  if (isIP(host) !== 0) return { status: 'ok', detail: `${host} is an address` };
  const addresses = await within(
    path.timeoutMs,
    lookup(host, { all: true }),
    'resolver-silent',
    `no answer about ${host}`,
  );
  return { status: 'ok', detail: `${host} is ${addresses.map(({ address }) => address).join(', ')}` };
};

export const tcpLayer: Layer = async (path) => {
  const socket = await connectTo(path);
  const detail = `connected to ${socket.remoteAddress} port ${socket.remotePort}`;
  socket.destroy();
  return { status: 'ok', detail };
};

/**
 * Does a packet of full size arrive? Where a link on the way takes less and the word of it is filtered out, connections are made and small
 * requests answered, and uploads hang for ever (RFC 2923, 2.1). Anything that comes back counts, be it a refusal.
 */
export const packetLayer: Layer = async (path) => {
  const reach = path.url.protocol === 'https:' ? handshakeReaches : requestReaches;
  if (!(await reach(path, false)))
    return failed('silent', `what listens there takes a connection and says nothing for ${path.timeoutMs} ms`);
  if (!(await reach(path, true)))
    return failed('path-mtu', `a small request is answered and one of several full packets is not`);
  return { status: 'ok', detail: 'packets of full size arrive' };
};

async function requestReaches(path: PingPath, isLarge: boolean): Promise<boolean> {
  const socket = await connectTo(path);
  const padding = Array.from(
    { length: isLarge ? PADDING_FIELDS : 0 },
    (_, index) => `X-Padding-${index}: ${'x'.repeat(PADDING_FIELD_BYTES)}\r\n`,
  );
  socket.write(`POST /v1/ping HTTP/1.1\r\nHost: ${path.url.host}\r\nContent-Length: 0\r\n${padding.join('')}\r\n`);
  return await comesBack(socket, ['data', 'error', 'close'], path.timeoutMs);
}

/** No credential is shown, and none that the other end shows is believed: that is the next layer's. */
async function handshakeReaches(path: PingPath, isLarge: boolean): Promise<boolean> {
  const socket = await connectTo(path);
  const secure = connectTls({
    socket,
    rejectUnauthorized: false,
    // The newest key exchange alone would fill a packet.
    ecdhCurve: 'X25519:P-256',
    ALPNProtocols: ['http/1.1', ...(isLarge ? PADDING_PROTOCOLS : [])],
    ...serverNameOf(path.url),
  });
  const isThere = await comesBack(secure, ['secureConnect', 'error', 'close'], path.timeoutMs);
  socket.destroy();
  return isThere;
}

/** True for the first of `events`: bytes, an end, a refusal; false when there was nothing in time. */
function comesBack(socket: Socket, events: readonly string[], timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (isThere: boolean) => {
      clearTimeout(timer);
      resolve(isThere);
      socket.destroy();
    };
    const timer = setTimeout(() => done(false), timeoutMs);
    // Stays: what breaks later is of no interest, and must not be an uncaught error.
    for (const event of events) socket.on(event, () => done(true));
  });
}

export async function connectTo({ url, timeoutMs }: PingPath): Promise<Socket> {
  const socket = connect(addressOf(url));
  try {
    return await within(
      timeoutMs,
      once(socket, 'connect').then(() => socket),
      'connect-timeout',
      `no connection to ${url.host} within ${timeoutMs} ms`,
    );
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** RFC 6066, 3: an address is no server name. */
export function serverNameOf(url: URL): { host: string; servername?: string } {
  const { host } = addressOf(url);
  return { host, ...(isIP(host) === 0 && { servername: host }) };
}

export async function within<Value>(ms: number, work: Promise<Value>, code: string, message: string): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AppError(code, message)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
