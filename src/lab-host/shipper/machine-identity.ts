// Which machine and which boot of it speaks, so that two machines under one name are told apart. The machine id itself never leaves it.

import { createHash, createHmac } from 'node:crypto';
import { hostname } from 'node:os';
import { readIfThere } from '../../lib/read-if-there.ts';

/** Ours alone: other programs' hashes of the same machine id cannot be matched with it (machine-id(5)). */
const APPLICATION_ID = '6f0a43b1c6d94f3f8f7f3d0e1c490490';
const MACHINE_ID = /^[0-9a-f]{32}$/;

export interface MachineIdentity {
  machine: string;
  bootId: string;
}

export interface IdentityFiles {
  machineIdFile: string;
  bootIdFile: string;
}

export const SYSTEM_IDENTITY_FILES: IdentityFiles = {
  machineIdFile: '/etc/machine-id',
  bootIdFile: '/proc/sys/kernel/random/boot_id',
};

export async function readMachineIdentity(files: IdentityFiles): Promise<MachineIdentity> {
  const read = async (path: string) => (await readIfThere(path).catch(() => undefined))?.trim() ?? '';
  const [machineId, bootId] = [await read(files.machineIdFile), await read(files.bootIdFile)];
  return {
    machine: MACHINE_ID.test(machineId) ? applicationSpecific(machineId) : `hostname-${hashOfName()}`,
    bootId: bootId === '' ? 'unknown' : bootId,
  };
}

/** The same as sd_id128_get_machine_app_specific(3): HMAC-SHA-256, cut to a UUID of version 4. */
function applicationSpecific(machineId: string): string {
  const id = createHmac('sha256', Buffer.from(machineId, 'hex')).update(Buffer.from(APPLICATION_ID, 'hex')).digest();
  id.writeUInt8((id.readUInt8(6) & 0x0f) | 0x40, 6);
  id.writeUInt8((id.readUInt8(8) & 0x3f) | 0x80, 8);
  return id.toString('hex', 0, 16);
}

function hashOfName(): string {
  return createHash('sha256').update(`${APPLICATION_ID} ${hostname()}`).digest('hex').slice(0, 32);
}
