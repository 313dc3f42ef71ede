/* Typed look-ups in the page. A missing element is an error that names the selector. */

/** @template {Element} T @typedef {{ new (): T, readonly name: string }} Kind */

/**
 * Return the first element below `root` that matches. Raise if there is none, or if it is of another kind.
 *
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {Kind<T>} [kind]
 * @returns {T}
 */
export function find(root, selector, kind = /** @type {any} */ (HTMLElement)) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} "${selector}".`);
  return found;
}

/**
 * Return every HTML element below `root` that matches.
 *
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export function findAll(root, selector) {
  return [...root.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement);
}

/**
 * Return the element with that id. Raise if there is none, or if it is of another kind.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {Kind<T>} [kind]
 * @returns {T}
 */
export function byId(id, kind = /** @type {any} */ (HTMLElement)) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} with the id "${id}".`);
  return found;
}

/**
 * Return the element at or around the target of an event that matches, or null.
 *
 * @template {Element} [T=HTMLElement]
 * @param {Event} event
 * @param {string} selector
 * @param {Kind<T>} [kind]
 * @returns {T | null}
 */
export function closest(event, selector, kind = /** @type {any} */ (HTMLElement)) {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof kind ? found : null;
}

/**
 * Return the control of that name in a form; radio buttons come as one, whose value is the chosen one's.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {{ value: string }}
 */
export function control(form, name) {
  const found = form.elements.namedItem(name);
  if (!found || !("value" in found)) throw new Error(`The form has no control "${name}".`);
  return /** @type {{ value: string }} */ (found);
}

/** Return the page's CSRF token, or "". */
export function csrfToken() {
  const meta = document.querySelector("meta[name='csrf-token']");
  return meta instanceof HTMLMetaElement ? meta.content : "";
}

/**
 * Say something to people who do not see the page.
 *
 * @param {string} sentence
 */
export function announce(sentence) {
  document.getElementById("announcer")?.replaceChildren(sentence);
}
