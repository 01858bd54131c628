// Whether anything is known of a lab host, asked of what lies in the store: for a program beside the receiver. Only reads.

import { join } from 'node:path';
import { isThere } from '../../lib/is-there.ts';
import { openStorageForReading } from '../../storage/open-storage.ts';
import type { ReceiverConfig } from '../receiver-config.ts';

/** `hostId` is one. Throws `cannot-read`. */
export async function isKnownHost({ store, fleet }: ReceiverConfig, hostId: string): Promise<boolean> {
  if (fleet.expected_hosts.includes(hostId)) return true;
  if (await isThere(join(store.root, 'episodes', hostId))) return true;
  if (await isThere(join(store.root, 'host-health', `${hostId}.json`))) return true;
  const { hostState, retiredHosts } = openStorageForReading(store.root);
  // Of one that is retired already the decision that stands is told.
  if ((await retiredHosts()).some((host) => host.hostId === hostId)) return true;
  return (await hostState.listHeartbeats()).some((heartbeat) => heartbeat.hostId === hostId);
}
