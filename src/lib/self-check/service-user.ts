// The user whom the programs of this machine run as: what may be read and written is judged for that user, whoever asks the doctor.

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { RunProgram } from './run-program.ts';
import { showUnit } from './show-unit.ts';

export interface ServiceUser {
  name: string;
  group: string;
  uid: number;
  gids: readonly number[];
}

export const MAY = { read: 4, write: 2, enter: 1 } as const;

/** Of the unit, where there is one; else whoever owns the directory, else whoever asks. */
export async function findServiceUser(unit: string, directory: string, run: RunProgram): Promise<ServiceUser> {
  const shown = await showUnit(run, unit, ['LoadState', 'User']).catch(() => undefined);
  const properties = shown?.kind === 'shown' ? shown.properties : undefined;
  const name = properties?.['LoadState'] === 'loaded' ? properties['User'] : undefined;
  if (name) {
    const user = await lookUp(name, run);
    if (user) return user;
  }
  const owner = await stat(directory).catch(() => undefined);
  const uid = owner?.uid ?? process.getuid?.() ?? 0;
  const gid = owner?.gid ?? process.getgid?.() ?? 0;
  return (await lookUp(String(uid), run)) ?? { name: String(uid), group: String(gid), uid, gids: [gid] };
}

/** By the permission bits, as the kernel judges them. Access lists are not looked at. */
export function mayUse({ mode, uid, gid }: Stats, user: ServiceUser, ...wanted: (keyof typeof MAY)[]): boolean {
  if (user.uid === 0) return true;
  const bits = uid === user.uid ? mode >> 6 : user.gids.includes(gid) ? mode >> 3 : mode;
  return wanted.every((right) => (bits & MAY[right]) !== 0);
}

/** `uid=990(cis490) gid=990(cis490) groups=990(cis490),101(systemd-journal)` */
async function lookUp(nameOrUid: string, run: RunProgram): Promise<ServiceUser | undefined> {
  const answer = await run('id', ['--', nameOrUid]).catch(() => undefined);
  if (answer?.kind !== 'ended' || answer.code !== 0) return undefined;
  const [, uid, name, gid, group, groups] =
    /^uid=(\d+)\(([^)]+)\) gid=(\d+)\(([^)]+)\)(?: groups=(.*))?/.exec(answer.stdout) ?? [];
  if (uid === undefined || name === undefined || gid === undefined || group === undefined) return undefined;
  const gids = (groups ?? '').split(',').flatMap((one) => /^\d+/.exec(one)?.map(Number) ?? []);
  return { name, group, uid: Number(uid), gids: [...new Set([Number(gid), ...gids])] };
}
