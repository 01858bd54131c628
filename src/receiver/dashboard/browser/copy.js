// Copy buttons, hidden where scripts do not run. One listener for all of them, also for those that come later.

const SAID_MS = 1_500;

/** @type {WeakMap<Element, { label: string | null, timer: ReturnType<typeof setTimeout> }>} */
const said = new WeakMap();

/** @param {ParentNode} root */
export function showCopyButtons(root) {
  for (const button of root.querySelectorAll('[data-copy]')) if (button instanceof HTMLElement) button.hidden = false;
}

export function startCopying() {
  showCopyButtons(document);
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-copy]') : null;
    const command = button?.parentElement?.querySelector('pre');
    if (button && command) void copy(button, command);
  });
}

/**
 * @param {Element} button
 * @param {HTMLElement} command
 */
async function copy(button, command) {
  try {
    await navigator.clipboard.writeText(command.textContent ?? '');
    say(button, 'Copied');
  } catch {
    // Over plain HTTP a page may not write there: marked, it takes one key.
    getSelection()?.selectAllChildren(command);
    say(button, 'Press Ctrl-C');
  }
}

/**
 * For a moment; a second click begins it anew.
 * @param {Element} button
 * @param {string} text
 */
function say(button, text) {
  const before = said.get(button);
  clearTimeout(before?.timer);
  const label = before ? before.label : button.textContent;
  button.textContent = text;
  const timer = setTimeout(() => {
    button.textContent = label;
    said.delete(button);
  }, SAID_MS);
  said.set(button, { label, timer });
}
