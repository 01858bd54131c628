// For how long an answer asks to be left alone: Retry-After in both of its forms (RFC 9110 section 10.2.3).

import type { IncomingHttpHeaders } from 'node:http';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;
// The three forms of section 5.6.7, the two obsolete ones too.
const HTTP_DATES = [
  new RegExp(String.raw`^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

/**
 * Seconds from the answer on; undefined without a header that can be read. A date is compared with the answer's own Date, so that a clock
 * that is off here changes nothing; only without one with `nowWallMs`, milliseconds since 1970 by the clock here.
 */
export function readRetryAfterS(headers: IncomingHttpHeaders, nowWallMs: number): number | undefined {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d+$/.test(value)) return Number(value);
  const untilMs = parseHttpDate(value, nowWallMs);
  if (untilMs === undefined) return undefined;
  const sentMs = parseHttpDate(headers.date?.trim() ?? '', nowWallMs) ?? nowWallMs;
  return Math.max(0, (untilMs - sentMs) / 1000);
}

/** Milliseconds since 1970. */
function parseHttpDate(text: string, nowWallMs: number): number | undefined {
  const parts = HTTP_DATES.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  const month = MONTHS.indexOf(parts?.['month'] ?? '');
  if (!parts || month < 0) return undefined;
  const number = (name: string) => Number(parts[name]);
  const year = parts['year']?.length === 2 ? fullYear(number('year'), nowWallMs) : number('year');
  return Date.UTC(year, month, number('day'), number('hour'), number('minute'), number('second'));
}

/** Of two digits: what seems more than 50 years ahead is the last such year that has been. */
function fullYear(twoDigits: number, nowWallMs: number): number {
  const thisYear = new Date(nowWallMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
