// Figures and times on a chart: as show/chart.ts writes them in the table, in the reader's zone.

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
const DAY_S = 86_400;
const AXIS_LETTER_PX = 6.8;
const AXIS_ROOM_PX = 16;
const NARROWEST_AXIS_PX = 36;

const HOURS = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const SECONDS = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DATES = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DATES_UTC = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const MOMENTS = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/**
 * @param {number} value
 * @param {string} unit
 */
export function valueText(value, unit) {
  if (unit === 'bytes') return sizeText(value);
  const number = NUMBER.format(value);
  return unit === 's' ? `${number} s` : unit === 'percent' ? `${number} %` : number;
}

/** @param {number} bytes */
function sizeText(bytes) {
  const power = bytes < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${amount.toFixed(power === 0 || Number.isInteger(amount) ? 0 : 1)} ${BYTE_UNITS[power]}`;
}

/**
 * How far apart the lines of an axis may stand: whole things have no halves, and bytes no tens.
 * @param {string} unit
 */
export function stepsOf(unit) {
  const powers = Array.from({ length: 16 }, (_, power) => power);
  if (unit === 'day') return [1, 2, 7, 14, 28, 91, 182, 364].map((days) => days * DAY_S);
  if (unit === 'bytes') return powers.slice(0, 6).flatMap((power) => doublings(1024 ** power));
  const least = unit === 'count' ? 0 : -6;
  return powers.flatMap((power) => [1, 2, 5].map((step) => step * 10 ** (power + least)));
}

/** @param {number} unit */
function doublings(unit) {
  return Array.from({ length: 10 }, (_, times) => unit * 2 ** times);
}

/**
 * @param {import('uplot')} _plot
 * @param {string[] | null} texts
 */
export function axisSize(_plot, texts) {
  const longest = Math.max(0, ...(texts ?? []).map((text) => text?.length ?? 0));
  return Math.max(NARROWEST_AXIS_PX, Math.ceil(AXIS_ROOM_PX + AXIS_LETTER_PX * longest));
}

/**
 * @param {'time' | 'day' | 'elapsed'} x
 * @returns {import('uplot').Axis.DynamicValues}
 */
export function axisTexts(x) {
  return (_plot, splits, _axis, _space, step) => splits.map((time) => axisText(time, x, step));
}

/**
 * @param {number} time
 * @param {'time' | 'day' | 'elapsed'} x
 * @param {number} step
 */
function axisText(time, x, step) {
  if (x === 'elapsed') return elapsedText(time);
  const date = new Date(time * 1000);
  if (x === 'day') return DATES_UTC.format(date);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (step >= DAY_S || isMidnight) return DATES.format(date);
  return (step < 60 ? SECONDS : HOURS).format(date);
}

/**
 * @param {number} time
 * @param {'time' | 'day' | 'elapsed'} x
 */
export function timeText(time, x) {
  if (x === 'elapsed') return `after ${elapsedText(time)}`;
  const date = new Date(time * 1000);
  return x === 'day' ? `${DATES_UTC.format(date)} (UTC)` : MOMENTS.format(date);
}

/** @param {number} seconds */
function elapsedText(seconds) {
  if (seconds < 120) return `${NUMBER.format(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min${seconds % 60 === 0 ? '' : ` ${Math.round(seconds % 60)} s`}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}
