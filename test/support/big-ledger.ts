// A large ledger, quickly: rows as our receiver writes them, of hosts that take turns, one a second.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export interface BigLedger {
  path: string;
  rows: number;
  hosts: number;
  /** When the last row was stored; the others lie before it. */
  lastAtMs: number;
  /** Is the first row's `seq`; then the file is appended to. */
  firstSeq?: number;
}

const ROWS_AT_ONCE = 10_000;
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** `lab-0000`, `lab-0001`, … */
export function bigLedgerHost(index: number): string {
  return `lab-${String(index).padStart(4, '0')}`;
}

export async function writeBigLedger({ path, rows, hosts, lastAtMs, firstSeq }: BigLedger): Promise<void> {
  const file = createWriteStream(path, { flags: firstSeq === undefined ? 'w' : 'a' });
  for (let done = 0; done < rows; ) {
    const count = Math.min(ROWS_AT_ONCE, rows - done);
    const lines = Array.from({ length: count }, (_, index) => {
      const row = done + index;
      return lineOf(bigLedgerHost(row % hosts), (firstSeq ?? 1) + row, lastAtMs - (rows - 1 - row) * 1000);
    });
    done += count;
    if (!file.write(lines.join(''))) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

function lineOf(hostId: string, seq: number, receivedAtMs: number): string {
  const receivedAtWall = `${new Date(receivedAtMs).toISOString().slice(0, -1)}000+00:00`;
  const episodeId = `${hostId}-${seq.toString(16).padStart(12, '0')}`;
  const sha256 = seq.toString(16).padStart(64, '5');
  return `{"host_id":"${hostId}","episode_id":"${episodeId}","received_at_wall":"${receivedAtWall}","sha256":"${sha256}","bytes":${100_000 + (seq % 90_000)},"path":"episodes/${hostId}/${episodeId}.tar.zst","schema_version":"1","commit":"${COMMIT}","dirty":false,"gate":{"head":"${COMMIT}","source":"forgejo"},"seq":${seq}}\n`;
}
