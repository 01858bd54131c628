// Why a command cannot find an episode where it looked: it says where it lies instead.

import { join } from 'node:path';
import { AppError } from '../../../lib/app-error.ts';
import { isThere } from '../../../lib/is-there.ts';
import type { DataLayout } from '../../data-layout.ts';

const PLACES = [
  ['episodes', 'it waits in the queue', 'cis490 shipper status'],
  ['quarantine', 'it is in quarantine', 'cis490 quarantine list'],
  ['shipped', 'it was shipped', 'to send it again: cis490 reship --id ID'],
] as const;

export async function nowhere(layout: DataLayout, id: string, place: 'quarantine' | 'shipped'): Promise<AppError> {
  const message = `${JSON.stringify(id)} is not in ${place}/`;
  // A name with a slash would lead elsewhere.
  for (const [directory, where, next] of id.includes('/') ? [] : PLACES) {
    if (directory === place || !(await isThere(join(layout[directory], id)))) continue;
    return new AppError('bad-input', `${message}: ${where}`, { hint: next.replace('ID', id) });
  }
  return new AppError('bad-input', `${message}, nor anywhere else on this host`, {
    hint:
      place === 'quarantine' ? 'see what is there: cis490 quarantine list' : `see what is there: ls ${layout.shipped}`,
  });
}
