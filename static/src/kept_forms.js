/* Keeps what is typed into a form in this tab, so that nothing is lost when the session ends before it is sent:
 * <form data-keep data-keep-for="user name">, with a [data-kept] notice before it.
 *
 * It is kept until the job page comes as the answer, the user starts afresh or signs out, or the tab is closed. */
import { closest, find, findAll } from "./dom.js";

const PREFIX = "headnode:form:";

/** @typedef {{ user: string, sent: boolean, values: [string, string][] }} Kept */

/** @param {string} path @returns {Kept | null} */
function read(path) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + path) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} path @param {Kept | null} kept */
function write(path, kept) {
  try {
    if (kept) sessionStorage.setItem(PREFIX + path, JSON.stringify(kept));
    else sessionStorage.removeItem(PREFIX + path);
  } catch {
    // Storage is full or switched off: nothing is kept.
  }
}

/** @param {HTMLFormElement} form @returns {[string, string][]} */
function valuesOf(form) {
  /** @type {[string, string][]} */
  const values = [];
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && name !== "csrfmiddlewaretoken" && name !== "checked") values.push([name, value]);
  }
  return values;
}

/** @param {HTMLFormElement} form @param {[string, string][]} values */
function fill(form, values) {
  for (const [name, value] of values) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) field.value = value;
  }
}

/**
 * Show what was kept of this form, and keep what is typed into it from now on. Call it before the form's own script
 * looks at the fields.
 *
 * @param {HTMLFormElement} form
 */
export function keepForm(form) {
  const path = location.pathname;
  const user = form.dataset.keepFor ?? "";
  const empty = JSON.stringify(valuesOf(form));
  const notice = find(document, "[data-kept]");
  const kept = read(path);
  // Of another user, or older than what the address or the server's answer shows: not for this form.
  if (kept && kept.user !== user) write(path, null);
  else if (kept && !location.search && form.dataset.keep !== "answered" && JSON.stringify(kept.values) !== empty) {
    fill(form, kept.values);
    notice.hidden = false;
  }
  const keep = (sent = false) => {
    const values = valuesOf(form);
    write(path, sent || JSON.stringify(values) !== empty ? { user, sent, values } : null);
  };
  form.addEventListener("input", () => keep());
  form.addEventListener("submit", () => keep(true));
  find(notice, "[data-start-afresh]").addEventListener("click", () => {
    write(path, null);
    form.reset();
    notice.hidden = true;
    for (const field of findAll(form, "input, textarea, select")) field.dispatchEvent(new Event("input", { bubbles: true }));
    write(path, null);
  });
}

/** Forget what was sent and accepted, and everything when the user signs out; on every page. */
export function startKeptForms() {
  const from = document.referrer && new URL(document.referrer).origin === location.origin ? new URL(document.referrer).pathname : "";
  if (document.getElementById("job") && from && read(from)?.sent) write(from, null);
  document.addEventListener("submit", (event) => {
    if (!closest(event, "form[action$='/accounts/logout/']", HTMLFormElement)) return;
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  });
  const promise = document.querySelector("[data-kept-promise]");
  if (!(promise instanceof HTMLElement)) return;
  const next = new URLSearchParams(location.search).get("next") ?? "";
  promise.hidden = !read(next);
}
