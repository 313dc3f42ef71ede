/* The Connect dialog: opened from the job page, a page of its own without script. Tabs, the choice of a node, the
 * tunnel builder. What it shows comes from the server; this only puts ports into the commands while one types. */
import { byId, closest, find, findAll } from "./dom.js";
import { keyFile, withKeyFile } from "./key_file.js";
import { showSshCommands } from "./ssh_commands.js";

/** @type {Record<string, (at: number, count: number) => number>} */
const KEYS = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: (_at, count) => count - 1,
};
let requests = 0;

/**
 * @param {HTMLElement[]} tabs
 * @param {HTMLElement | undefined} tab
 */
function select(tabs, tab, focus = false) {
  if (!tab?.parentElement) return;
  for (const each of tabs) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    byId(each.getAttribute("aria-controls") ?? "").hidden = !chosen;
  }
  const row = tab.parentElement;
  row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  if (focus) tab.focus({ preventScroll: true });
}

/** @param {HTMLElement} root @param {string} [chosen] id of the tab to begin with */
function startTabs(root, chosen) {
  const [row] = findAll(root, "[data-tabs]");
  if (!row) return;
  const tabs = findAll(row, ":scope > *");
  row.setAttribute("role", "tablist");
  for (const tab of tabs) {
    const panel = find(root, tab.getAttribute("href") ?? "");
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    find(panel, "[data-tab-title]").classList.add("visually-hidden"); // the tab shows it
  }
  row.addEventListener("click", (event) => {
    const tab = closest(event, "[role=tab]");
    if (!tab) return;
    event.preventDefault();
    select(tabs, tab, true);
  });
  row.addEventListener("keydown", (event) => {
    const at = tabs.findIndex((tab) => tab === event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      select(tabs, tabs[at]);
      return;
    }
    const next = KEYS[event.key]?.(at, tabs.length);
    if (next === undefined) return;
    event.preventDefault();
    select(tabs, tabs[next], true);
  });
  select(tabs, tabs.find((tab) => tab.id === chosen) ?? tabs.find((tab) => tab.getAttribute("href") === location.hash) ?? tabs[0]);
}

/** @param {string} text */
export const isPort = (text) => /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;

/** @param {HTMLElement} root */
function buildTunnels(root) {
  const builder = find(root, "[data-ports]");
  /** @type {Record<string, string>} */
  const ports = {};
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (builder.querySelectorAll("[data-port]"))) {
    const text = field.value.trim();
    const good = isPort(text);
    if (good) ports[field.dataset.port ?? ""] = String(Number(text));
    const said = good ? "" : (builder.dataset.sentence ?? "");
    const error = byId(field.getAttribute("aria-describedby") ?? "");
    if (error.textContent !== said) error.textContent = said;
    if (good) field.removeAttribute("aria-invalid");
    else field.setAttribute("aria-invalid", "true");
  }
  for (const text of findAll(root, "[data-template]")) {
    const template = text.dataset.template ?? "";
    const needed = [...template.matchAll(/LOCAL_PORT|NODE_PORT/g)].map(([name]) => name);
    const good = needed.every((name) => name in ports);
    if (good) {
      text.dataset.plain = template.replaceAll(/LOCAL_PORT|NODE_PORT/g, (name) => ports[name]);
      text.textContent = text.hasAttribute("data-ssh-command")
        ? withKeyFile(text.dataset.plain, keyFile())
        : text.dataset.plain;
    }
    // A command with an invalid port cannot be copied.
    find(root, `[data-copy-from="${text.id}"]`, HTMLButtonElement).disabled = !good;
  }
}

/** @param {HTMLElement} root @param {string} [chosen] id of the tab to begin with */
function start(root, chosen) {
  for (const part of findAll(root, "[data-without-script]")) part.hidden = true;
  startTabs(root, chosen);
  showSshCommands(root);
  if (root.querySelector("[data-ports]")) buildTunnels(root);
  root.addEventListener("input", (event) => {
    if (closest(event, "[data-port]")) buildTunnels(root);
  });
  root.addEventListener("change", (event) => {
    if (closest(event, "[data-reload]")) void reload(root);
  });
  root.querySelector("form")?.addEventListener("submit", (event) => event.preventDefault());
}

/** @param {string} url */
async function fetchGuide(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-connect]");
  if (!(fresh instanceof HTMLElement) || response.redirected) throw new Error("no guide in the response");
  return document.adoptNode(fresh);
}

/**
 * Fetch the guide for another node or way. Tab and focus stay where they are. Of several requests the last one is shown.
 *
 * @param {HTMLElement} root
 */
async function reload(root) {
  const form = find(root, "form", HTMLFormElement);
  const url = new URL(form.action);
  url.search = "";
  for (const [name, value] of new FormData(form)) url.searchParams.append(name, String(value));
  const plain = String(url);
  url.searchParams.set("fragment", "1");
  requests += 1;
  const request = requests;
  try {
    const fresh = await fetchGuide(String(url));
    if (request !== requests) return;
    const focused = root.contains(document.activeElement) ? document.activeElement?.id : "";
    const chosen = root.querySelector("[role=tab][aria-selected=true]")?.id;
    root.replaceWith(fresh);
    start(fresh, chosen);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  } catch {
    location.assign(plain);
  }
}

/** @param {HTMLAnchorElement} link */
async function open(link) {
  const dialog = byId("connect-dialog", HTMLDialogElement);
  const fresh = await fetchGuide(`${link.href}?fragment=1`);
  find(dialog, "[data-guide]").replaceChildren(fresh);
  dialog.showModal();
  start(fresh);
  const [tab] = findAll(fresh, "[role=tab][aria-selected=true]");
  (tab ?? find(dialog, "[data-close]")).focus(); // no tab: a sentence says why
}

export function startConnect() {
  const page = document.querySelector("[data-connect]");
  if (page instanceof HTMLElement) start(page);
  document.addEventListener("click", async (event) => {
    if (closest(event, "#connect-dialog [data-close]")) {
      byId("connect-dialog", HTMLDialogElement).close();
      return;
    }
    const link = closest(event, "[data-open-connect]", HTMLAnchorElement);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      await open(link);
    } catch {
      location.assign(link.href);
    }
  });
  // The job page replaces its parts as the job goes on, so the button that opened the dialog may be a new element.
  document.getElementById("connect-dialog")?.addEventListener("close", () => {
    document.getElementById("more-ways")?.focus();
  });
}
