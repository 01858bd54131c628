// Through which interface of this machine the receiver is reached.

import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { addressOf } from '../transport/address-of.ts';

const LIMIT_MS = 5_000;

/** Its name; undefined when no connection is made, or it is not known. */
export async function interfaceTowards(url: URL): Promise<string | undefined> {
  const socket = connect(addressOf(url));
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(LIMIT_MS) });
    const { localAddress } = socket;
    const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
      addresses?.some(({ address }) => address === localAddress),
    );
    return found?.[0];
  } catch {
    return undefined;
  } finally {
    // What breaks later is of no interest, and must not be an uncaught error.
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
