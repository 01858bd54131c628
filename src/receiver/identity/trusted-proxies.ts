// Whose word on the client counts: its certificate and its address.

import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

export class TrustedProxies {
  readonly #addresses = new BlockList();

  /** IP addresses and networks, such as `10.0.0.0/8`. */
  constructor(addresses: readonly string[]) {
    for (const text of addresses) {
      const [address = '', bits] = text.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#addresses.addAddress(address, family);
      else this.#addresses.addSubnet(address, Number(bits), family);
    }
  }

  /** Whether the other end of the connection is one. */
  sent(request: IncomingMessage): boolean {
    return this.#has(request.socket.remoteAddress ?? '');
  }

  /**
   * The client as a log names it, `address:port`. Behind trusted proxies the address alone: the last one of X-Forwarded-For that is
   * not a trusted proxy itself, because what stands before it came from the client.
   */
  clientOf(request: IncomingMessage): string {
    const { remoteAddress, remotePort } = request.socket;
    const direct = `${bracketed(plain(remoteAddress ?? '-'))}:${remotePort ?? '-'}`;
    if (!this.sent(request)) return direct;
    const forwarded = request.headersDistinct['x-forwarded-for']?.join(',') ?? '';
    const addresses = forwarded.split(',').map(addressIn);
    const client = addresses.findLast((address) => address === undefined || !this.#has(address));
    return client === undefined ? direct : plain(client);
  }

  #has(text: string): boolean {
    const address = plain(text);
    const family = isIP(address);
    return family !== 0 && this.#addresses.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** Without the port that some proxies add; undefined when it is no address. */
function addressIn(text: string): string | undefined {
  const bare = text.trim().replace(/^\[([^\]]*)\](?::\d+)?$/, '$1');
  if (isIP(bare) !== 0) return bare;
  const withoutPort = bare.replace(/:\d+$/, '');
  return isIP(withoutPort) === 4 ? withoutPort : undefined;
}

/** An IPv4 address as a socket of both families has it, `::ffff:192.0.2.1`, is that IPv4 address. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}
