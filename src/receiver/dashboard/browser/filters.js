// Forms marked with data-filter are sent as they are filled in, without leaving the field; without scripts they have a button.

const PAUSE_MS = 200;
const FILTER = 'form[data-filter]';

export function startFilters() {
  hideButtons(document);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  // Of the document, so that forms of a page that is taken in later are heard, too.
  document.addEventListener('input', ({ target }) => {
    const form = target instanceof Element ? target.closest(FILTER) : null;
    if (!(form instanceof HTMLFormElement)) return;
    clearTimeout(timer);
    timer = setTimeout(() => goTo(form), PAUSE_MS);
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches(FILTER)) return;
    event.preventDefault();
    clearTimeout(timer);
    goTo(form);
  });
}

/** @param {ParentNode} root */
export function hideButtons(root) {
  for (const button of root.querySelectorAll('button[data-no-script]'))
    if (button instanceof HTMLElement) button.hidden = true;
}

/** The address changes with the filter, so that a reload and a link show the same. @param {HTMLFormElement} form */
function goTo(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form))
    if (typeof value === 'string' && value !== '') query.append(name, value);
  const search = query.toString();
  history.replaceState(null, '', `${location.pathname}${search === '' ? '' : `?${search}`}`);
  dispatchEvent(new Event('cis490:filter'));
}
