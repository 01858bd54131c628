// Puts a fresh page in the place of the one that is shown, part by part: the parts marked with data-live, where they differ. What is
// typed, focused, scrolled or opened stays. A part with data-keyed is replaced child by child: of a thousand rows the one that changed.

import { startCharts } from './charts.js';
import { showCopyButtons } from './copy.js';
import { hideButtons } from './filters.js';
import { timesAnew } from './time.js';

const FIELDS = 'input, select, textarea';
/** Counted on by the script: no difference. */
const COUNTED = /(<time [^>]*data-ago[^>]*>)[^<]*/g;

/** As the server wrote it: what scripts changed since is no difference. @type {WeakMap<Element, string>} */
const sources = new WeakMap();

/** Before any script changes what the server wrote. */
export function rememberSources() {
  remember(document, document);
}

/**
 * @param {ParentNode} shown
 * @param {ParentNode} written the same, as the server wrote it
 */
function remember(shown, written) {
  const texts = [...written.querySelectorAll('[data-live], [data-keyed] > *')];
  for (const [index, element] of [...shown.querySelectorAll('[data-live], [data-keyed] > *')].entries()) {
    const text = texts[index];
    if (text && !isKeyed(element)) sources.set(element, sourceText(text));
  }
}

/** The whole page anew. @param {Document} fresh */
export function takeIn(fresh) {
  const names = namesIn(document);
  if (names !== namesIn(fresh)) replaceMain(fresh);
  else
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = partOf(fresh, part.getAttribute('data-live') ?? '');
      if (next) replacePart(part, next);
    }
  const made = [document, fresh].map((each) => partOf(each, 'made'));
  if (made[0] && made[1]) replacePart(made[0], made[1]);
  if (fresh.title !== '' && fresh.title !== document.title) document.title = fresh.title;
  timesAnew();
}

/**
 * Some rows anew, and what stands beside them. False when the page must be fetched whole.
 * @param {Document} fresh
 * @param {readonly string[]} keys of the rows that were asked for
 */
export function takeInRows(fresh, keys) {
  for (const rows of fresh.querySelectorAll('[data-rows]')) {
    const name = rows.getAttribute('data-live') ?? '';
    const here = partOf(document, name);
    if (!here && rows.children.length === 0) continue;
    if (!here || !mergeRows(here, rows, keys)) return false;
  }
  for (const next of fresh.querySelectorAll('[data-live]:not([data-rows])')) {
    const part = partOf(document, next.getAttribute('data-live') ?? '');
    if (part) replacePart(part, next);
  }
  timesAnew();
  return true;
}

/**
 * @param {Element} here
 * @param {Element} rows in their order, each with the key of the one before it in `data-after`
 * @param {readonly string[]} keys
 */
function mergeRows(here, rows, keys) {
  const isNone = (/** @type {Element} */ row) => row.getAttribute('data-key') === '';
  if ([...rows.children, ...here.children].some(isNone)) return false;
  const present = byKey(here);
  const kept = new Set([...rows.children].map((row) => row.getAttribute('data-key')));
  for (const key of keys) if (!kept.has(key)) present.get(key)?.remove();
  for (const row of rows.children) {
    const after = row.getAttribute('data-after') ?? '';
    row.removeAttribute('data-after');
    const before = after === '' ? null : (present.get(after) ?? undefined);
    // The order here is another one than the receiver's.
    if (before === undefined) return false;
    const key = row.getAttribute('data-key');
    const old = present.get(key);
    const element = old && (isSame(old, row) || isInUse(old)) ? old : prepared(row, old);
    present.set(key, element);
    if (old && old !== element) exchange(old, element);
    if (element.parentNode !== here || element.previousElementSibling !== before) {
      keepingFocus(() =>
        here.insertBefore(element, before === null ? here.firstElementChild : before.nextElementSibling),
      );
    }
  }
  return here.children.length > 0;
}

/** Another kind of page than before: a first host has come, or the last alert has gone. @param {Document} fresh */
function replaceMain(fresh) {
  const [main, next] = [document.querySelector('main'), fresh.querySelector('main')];
  // What is typed in it is taken along, or a search that finds nothing would wait for its own field.
  if (main && next && !isInUse(main, 'select')) exchange(main, prepared(next, main));
}

/**
 * @param {Element} part
 * @param {Element} next
 */
function replacePart(part, next) {
  if (isKeyed(part)) return replaceChildren(part, next);
  if (isSame(part, next) || isInUse(part)) return undefined;
  const element = prepared(next, part);
  // What is read out as it changes must itself stay.
  if (part.matches('[aria-live], [role="status"]')) {
    sources.set(part, sourceText(next));
    for (const { name, value } of element.attributes) part.setAttribute(name, value);
    part.replaceChildren(...element.childNodes);
  } else exchange(part, element);
  return undefined;
}

/**
 * Moves no more than it must: a row that is taken out and put back loses its focus.
 * @param {Element} part
 * @param {Element} next
 */
function replaceChildren(part, next) {
  const present = byKey(part);
  const wanted = [...next.children].map((child) => {
    const old = present.get(child.getAttribute('data-key'));
    if (old && (isSame(old, child) || isInUse(old))) return old;
    const element = prepared(child, old);
    if (old) exchange(old, element);
    return element;
  });
  const stays = new Set(wanted);
  for (const child of [...part.children]) if (!stays.has(child)) child.remove();
  let place = part.firstElementChild;
  for (const element of wanted) {
    // One has moved down: it is put back when its turn comes.
    if (place && place !== element && place.nextElementSibling === element) {
      const moved = place;
      place = element;
      keepingFocus(() => part.append(moved));
    }
    if (place === element) place = element.nextElementSibling;
    else keepingFocus(() => part.insertBefore(element, place));
  }
}

/**
 * In its place, focused where it was.
 * @param {Element} old
 * @param {Element} fresh
 */
function exchange(old, fresh) {
  const focused = document.activeElement;
  const same = focused && old.contains(focused) ? sameIn(old, fresh, focused) : undefined;
  const caret = isText(focused) ? [focused.selectionStart, focused.selectionEnd] : [];
  old.replaceWith(fresh);
  startCharts(fresh);
  if (same instanceof HTMLElement) same.focus({ preventScroll: true });
  const [from, to] = caret;
  if (isText(same) && typeof from === 'number' && typeof to === 'number') same.setSelectionRange(from, to);
}

/** @param {() => void} move */
function keepingFocus(move) {
  const focused = document.activeElement;
  move();
  if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus({ preventScroll: true });
}

/**
 * The same thing in what replaces the part that it is in.
 * @param {Element} old
 * @param {Element} fresh
 * @param {Element} element within `old`
 */
function sameIn(old, fresh, element) {
  const selector = selectorOf(element);
  return fresh.querySelectorAll(selector)[[...old.querySelectorAll(selector)].indexOf(element)];
}

/** By what tells it from its like: what is typed for one alert is never found in the form of another. @param {Element} element */
function selectorOf(element) {
  if (element.id !== '') return `#${CSS.escape(element.id)}`;
  const action = element.closest('form')?.getAttribute('action');
  const form = action ? `form[action="${CSS.escape(action)}"] ` : '';
  const name = ['href', 'name'].find((each) => element.hasAttribute(each));
  return `${form}${element.localName}${name ? `[${name}="${CSS.escape(element.getAttribute(name) ?? '')}"]` : ''}`;
}

/**
 * @param {Element} fresh
 * @param {Element} [old] of which what is open and typed stays
 */
function prepared(fresh, old) {
  const element = document.importNode(fresh, true);
  sources.set(element, sourceText(fresh));
  remember(element, fresh);
  if (old) keepState(old, element);
  showCopyButtons(element);
  hideButtons(element);
  return element;
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function keepState(old, fresh) {
  if (old instanceof HTMLDetailsElement && fresh instanceof HTMLDetailsElement) fresh.open = old.open;
  for (const element of old.querySelectorAll('details[id], input, textarea')) {
    const same = sameIn(old, fresh, element);
    if (element instanceof HTMLDetailsElement && same instanceof HTMLDetailsElement) same.open = element.open;
    if (isText(element) && isText(same) && element.value !== element.defaultValue) same.value = element.value;
  }
}

/**
 * Somebody types or chooses in it, or has marked text of it: it waits for the next time.
 * @param {Element} part
 * @param {string} [fields]
 */
function isInUse(part, fields = FIELDS) {
  const { activeElement } = document;
  if (activeElement && part.contains(activeElement) && activeElement.matches(fields)) return true;
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
}

const TEXT_TYPES = ['text', 'search', 'password', 'url', 'tel'];

/** @param {Element | null | undefined} field @returns {field is HTMLInputElement | HTMLTextAreaElement} */
function isText(field) {
  return field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && TEXT_TYPES.includes(field.type));
}

/** @param {Element} part */
function isKeyed(part) {
  return part.hasAttribute('data-keyed');
}

/** @param {Element} part */
function byKey(part) {
  return new Map([...part.children].map((child) => [child.getAttribute('data-key'), child]));
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function isSame(old, fresh) {
  return (sources.get(old) ?? sourceText(old)) === sourceText(fresh);
}

/** @param {Element} element */
function sourceText(element) {
  return element.outerHTML.replace(COUNTED, '$1');
}

/** @param {Document} page */
function namesIn(page) {
  return [...page.querySelectorAll('main [data-live]')].map((part) => part.getAttribute('data-live')).join(' ');
}

/**
 * @param {Document} page
 * @param {string} name
 */
function partOf(page, name) {
  return page.querySelector(`[data-live="${CSS.escape(name)}"]`);
}
