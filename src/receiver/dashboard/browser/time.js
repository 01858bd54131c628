// Times in the reader's own zone, with UTC on hover; what is told as “3 min ago” counts on. A thousand of them cost next to nothing: what
// is seen on hover is written on hover.

const UNITS = /** @type {const} */ ([
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
]);
const COUNT_ON_MS = 5_000;
const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** @param {number} elapsedS as show/time.ts says it on the server */
function agoText(elapsedS) {
  if (elapsedS < 2) return 'now';
  for (const [unit, lengthS] of UNITS) {
    if (elapsedS >= 2 * lengthS) return `${Math.floor(elapsedS / lengthS)} ${unit} ago`;
  }
  return 'now';
}

/** The reader's clock may be off: what counts is the server's, as the page tells it. */
let serverAheadMs = 0;

function readServerTime() {
  const made = document.querySelector('[data-live="made"] time');
  const wallMs = made instanceof HTMLTimeElement ? Date.parse(made.dateTime) : Number.NaN;
  if (!Number.isNaN(wallMs)) serverAheadMs = wallMs - Date.now();
}

/** @param {ParentNode} root */
function showTimes(root) {
  const nowMs = Date.now() + serverAheadMs;
  for (const time of root.querySelectorAll('time')) {
    const atMs = Date.parse(time.dateTime);
    if (Number.isNaN(atMs)) continue;
    const text = 'ago' in time.dataset ? agoText((nowMs - atMs) / 1000) : undefined;
    const shown = text ?? ('at' in time.dataset ? LOCAL.format(atMs) : time.textContent);
    if (time.textContent !== shown) time.textContent = shown;
  }
}

/** After a new page was taken in. */
export function timesAnew() {
  readServerTime();
  showTimes(document);
}

export function startTimes() {
  timesAnew();
  setInterval(() => {
    if (!document.hidden) showTimes(document);
  }, COUNT_ON_MS);
  document.addEventListener('visibilitychange', () => showTimes(document));
  document.addEventListener('pointerover', ({ target }) => {
    const time = target instanceof Element ? target.closest('time') : null;
    if (time) explain(time);
  });
}

/** @param {HTMLTimeElement} time */
function explain(time) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const utc = `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  time.title = 'ago' in time.dataset ? `${LOCAL.format(at)} · ${utc}` : utc;
}
