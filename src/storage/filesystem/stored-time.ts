// The times of ledger and alert rows as numbers, exactly to the microsecond: in our own form, and in those that Python's isoformat writes.

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)?$/;

/** Microseconds since 1970; without an offset it is UTC; finer digits are cut off. Undefined for a text that names no time. */
export function storedTimeUs(text: string): number | undefined {
  const found = TIME.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second = '0', fraction = '', sign, ...offset] = found;
  const dayMs = dayMsOf(Number(year), Number(month), Number(day));
  const secondOfDay = secondsOf(Number(hour), Number(minute), Number(second));
  const [offsetHour = '0', offsetMinute = '0', offsetSecond = '0'] = offset;
  const offsetS = secondsOf(Number(offsetHour), Number(offsetMinute), Number(offsetSecond));
  if (dayMs === undefined || secondOfDay === undefined || offsetS === undefined) return undefined;
  return timeUs(
    dayMs,
    sign === '-' ? secondOfDay + offsetS : secondOfDay - offsetS,
    Number(fraction.slice(0, 6).padEnd(6, '0')),
  );
}

/** The beginning of that day in UTC, or undefined where the calendar has none. */
export function dayMsOf(year: number, month: number, day: number): number | undefined {
  // Not Date.UTC: it takes the years before 100 for others.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isReal = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isReal ? date.getTime() : undefined;
}

/** Undefined for what no clock shows. */
export function secondsOf(hour: number, minute: number, second: number): number | undefined {
  return hour < 24 && minute < 60 && second < 60 ? (hour * 60 + minute) * 60 + second : undefined;
}

export function timeUs(dayMs: number, secondOfDay: number, microseconds: number): number {
  return (dayMs + secondOfDay * 1000) * 1000 + microseconds;
}
