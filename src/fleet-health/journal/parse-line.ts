// What one line of the receiver's journal says of an attempt: its access line, ours and uvicorn's alike, or its line of a rejection.
// Any bytes are a line; a host whose name is no valid id is nobody.

import { isHostId } from '../../protocol/ids.ts';

export interface JournalFact {
  hostId: string;
  /** Of an access line. */
  status?: number;
  rejection?: { isUnstamped: boolean; code: string | undefined };
}

// A target as it came on the wire has no white space, so that nothing in it can look like another line of ours.
const ACCESS = /"PUT \/v1\/episodes\/([^/\s"]+)\/[^/\s]+ HTTP\/\d(?:\.\d)?" (\d{3})(?!\d)/;
const REJECTED = /rejected episode host=(\S+)/;
const CODE = /\scode=([a-z0-9]+(?:-[a-z0-9]+)*)(?=\s|$)/;
const UNSTAMPED = 'missing X-Cis490-Code-Commit';

/** None for a line that says nothing of an attempt. */
export function parseJournalLine(line: string): JournalFact | undefined {
  const access = ACCESS.exec(line);
  if (access?.[1] !== undefined)
    return isHostId(access[1]) ? { hostId: access[1], status: Number(access[2]) } : undefined;
  const rejected = REJECTED.exec(line);
  if (rejected?.[1] === undefined || !isHostId(rejected[1])) return undefined;
  return {
    hostId: rejected[1],
    rejection: {
      isUnstamped: line.includes(UNSTAMPED, rejected.index),
      code: CODE.exec(line.slice(rejected.index))?.[1],
    },
  };
}
