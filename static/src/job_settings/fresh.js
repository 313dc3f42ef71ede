/* Shows what is saved, never what a window left behind: a box goes back when it could not be saved, and a page that was
 * out of sight is fetched again. */
import { findAll } from "../dom.js";
import { showTimes } from "../times.js";

const SECTIONS = ["keys", "access", "terminate"];

/** @param {Element} section whether the user is writing in it, or has something of it open */
function isInUse(section) {
  if (section.querySelector("details[open], #key-offers, .htmx-request")) return true;
  const fields = /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */ (
    section.querySelectorAll("input:not([type=hidden], [type=checkbox], [type=file]), textarea")
  );
  return [...fields].some((field) => field.value !== field.defaultValue || field === document.activeElement);
}

/** @param {Element} section */
const content = (section) => section.outerHTML.replaceAll(/csrfmiddlewaretoken" value="[^"]*"/g, "");

/** @type {Map<string, string>} what the server sent last, section by section */
const shown = new Map();

/** How many changes this page has sent. */
let changes = 0;

/** @returns {Promise<Document | null>} */
async function fetchPage() {
  try {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (response.redirected) location.reload(); // signed out meanwhile
    return response.ok && !response.redirected ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  } catch {
    return null; // offline: the next change says so
  }
}

async function refresh() {
  const before = changes;
  const page = await fetchPage();
  if (!page || before !== changes) return; // a change was sent meanwhile, and its answer is newer
  for (const id of SECTIONS) {
    const old = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (!old || !fresh) continue;
    const isSame = shown.get(id) === content(fresh);
    shown.set(id, content(fresh));
    if (isInUse(old)) continue;
    if (isSame) {
      for (const form of findAll(old, "form")) if (form instanceof HTMLFormElement && form.querySelector("[type=checkbox]")) form.reset();
      continue;
    }
    const part = document.adoptNode(fresh);
    old.replaceWith(part);
    window.htmx.process(part);
    showTimes(part);
    document.dispatchEvent(new Event("htmx:load"));
  }
}

/** Put a box back to what is saved when its form could not be sent, and fetch the page when it comes into sight again. */
export function startKeepingFresh() {
  document.addEventListener("htmx:beforeRequest", () => {
    changes += 1;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { successful, elt } = event.detail;
    if (!successful && elt instanceof HTMLFormElement && elt.querySelector("[type=checkbox]")) elt.reset();
  });
  for (const id of SECTIONS) {
    const section = document.getElementById(id);
    if (section) shown.set(id, content(section));
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target instanceof Element && SECTIONS.includes(event.target.id)) shown.delete(event.target.id);
  });
  document.addEventListener("visibilitychange", () => document.hidden || void refresh());
  window.addEventListener("focus", () => void refresh());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void refresh();
  });
}
