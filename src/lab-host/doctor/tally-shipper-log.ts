// What lines of a shipper's log count for: ours by their message and fields, those of the older Python shipper by the status that they name.

import { parsePlainLogLine } from '../../lib/log-line.ts';
import { PROBLEMS, type ProblemCode } from '../../protocol/problem.ts';

type Kind = 'outOfWindow' | 'malformed' | 'otherRefusals' | 'transient';

interface Found {
  /** Undefined for a line of ours that counts for nothing. */
  kind?: Kind;
  code?: string;
}

export class ShipperLogTally {
  readonly #told: Partial<Record<Kind, number>> = {};
  readonly #requests: Partial<Record<Kind, number>> = {};
  readonly #codes = new Set<string>();

  add(line: string): void {
    const isRequest = REQUEST.test(line);
    const found = ofOurs(line) ?? ofOlder(line);
    if (!found?.kind) return;
    const counts = isRequest ? this.#requests : this.#told;
    counts[found.kind] = (counts[found.kind] ?? 0) + 1;
    if (found.code && found.kind === 'outOfWindow') this.#codes.add(found.code);
  }

  /**
   * `outOfWindow`: 412, refused by the gate for what made them. `malformed`: 400, unstamped or not as the contract has it. `otherRefusals`:
   * refused for good with another status, or without being sent.
   */
  count(kind: Kind): number {
    return Math.max(this.#told[kind] ?? 0, this.#requests[kind] ?? 0);
  }

  /** Problem codes of the 412s, in the order of their first line. */
  get codes(): ReadonlySet<string> {
    return this.#codes;
  }
}

// Before the line itself: a level as systemd takes it, and what journalctl and syslog write in front.
const PREFIX = /^(?:(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT\S+) \S+ [^\s:[]+(?:\[\d+\])?: )?(?:<\d>)?/;
const OURS: Record<string, true> = {
  'episode refused and quarantined': true,
  'episode not shipped yet; it is tried again later': true,
  'episode did not arrive as it was packed': true,
};
const HELD = /^shipping is held: /;

/** Undefined for a line that is not ours. */
function ofOurs(line: string): Found | undefined {
  const rest = line.replace(PREFIX, '');
  const parsed = parsePlainLogLine(rest) ?? parsePlainLogLine(`- ERROR ${rest}`);
  if (!parsed) return undefined;
  const { message, fields } = parsed;
  if (HELD.test(message)) return { kind: 'transient' };
  if (!OURS[message]) return fields['episode'] === undefined ? undefined : {};
  if (message !== 'episode refused and quarantined') return { kind: 'transient' };
  const { code = '' } = fields;
  return { kind: kindOf(Number(fields['status'] ?? statusOf(code))), code };
}

/** Of one that was refused without being sent. */
function statusOf(code: string): number {
  return Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code as ProblemCode][0] : 0;
}

function kindOf(status: number): Kind {
  if (status === 412) return 'outOfWindow';
  return status === 400 ? 'malformed' : 'otherRefusals';
}

// A number is a status next to a word that says so, or before its reason phrase: sizes, times and links have numbers, too.
const NAMED =
  /\b(?:status(?:[_ ]code)?|https?|code|error|fatal|failed|rejected|refused|returned|got)\b["']?[^\w/]{0,3}([45]\d\d)\b/i;
const PHRASED =
  /\b(?:(412) Precondition Failed|(400) Bad Request|(4\d\d|5\d\d) (?:Request Timeout|Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Timeout|Insufficient Storage))/i;
const BROKEN_OFF =
  /\b(?:timed? ?out|(?:Connect|Read|Write|Pool)(?:Error|Timeout)|Remote(?:Protocol)?Error|connection (?:refused|reset|error|aborted)|transient|will retry|retrying)\b/i;
// httpx tells each request once more, before the shipper says what it makes of it.
const REQUEST = /^(?:.* )?HTTP Request: /;

function ofOlder(line: string): Found | undefined {
  const status = Number(PHRASED.exec(line)?.slice(1).find(Boolean) ?? NAMED.exec(line)?.[1] ?? 0);
  if (status === 412 || status === 400) return { kind: kindOf(status) };
  if (status > 0) return { kind: status === 409 || status === 413 ? 'otherRefusals' : 'transient' };
  return BROKEN_OFF.test(line) ? { kind: 'transient' } : undefined;
}
