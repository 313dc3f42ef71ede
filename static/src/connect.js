/* The Connect dialog: opened from the job page, a page of its own without script. Tabs, the choice of a node, the
 * tunnel builder. What it shows comes from the server; here only ports are put into the commands while one types. */
const KEYS = { ArrowRight: 1, ArrowLeft: -1, Home: "first", End: "last" };

function select(tabs, tab, focus = false) {
  for (const each of tabs) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", String(chosen));
    each.tabIndex = chosen ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).hidden = !chosen;
  }
  const row = tab.parentElement;
  row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  if (focus) tab.focus({ preventScroll: true });
}

function startTabs(root, chosen) {
  const row = root.querySelector("[data-tabs]");
  if (!row) return;
  const tabs = [...row.children];
  row.setAttribute("role", "tablist");
  for (const tab of tabs) {
    const panel = root.querySelector(tab.getAttribute("href"));
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.querySelector("[data-tab-title]").classList.add("visually-hidden"); // the tab says it
  }
  row.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (!tab) return;
    event.preventDefault();
    select(tabs, tab, true);
  });
  row.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      select(tabs, tabs[at]);
      return;
    }
    const step = KEYS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = step === "first" ? 0 : step === "last" ? tabs.length - 1 : (at + step + tabs.length) % tabs.length;
    select(tabs, tabs[next], true);
  });
  select(tabs, tabs.find((tab) => tab.id === chosen) ?? tabs.find((tab) => tab.hash === location.hash) ?? tabs[0]);
}

const isPort = (text) => /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;

function buildTunnels(root) {
  const builder = root.querySelector("[data-ports]");
  const ports = {};
  for (const field of builder.querySelectorAll("[data-port]")) {
    const text = field.value.trim();
    const good = isPort(text);
    if (good) ports[field.dataset.port] = String(Number(text));
    const said = good ? "" : builder.dataset.sentence;
    const error = document.getElementById(field.getAttribute("aria-describedby"));
    if (error.textContent !== said) error.textContent = said;
    if (good) field.removeAttribute("aria-invalid");
    else field.setAttribute("aria-invalid", "true");
  }
  for (const text of root.querySelectorAll("[data-template]")) {
    const needed = [...text.dataset.template.matchAll(/LOCAL_PORT|NODE_PORT/g)].map(([name]) => name);
    const good = needed.every((name) => name in ports);
    if (good) text.textContent = text.dataset.template.replaceAll(/LOCAL_PORT|NODE_PORT/g, (name) => ports[name]);
    // A command with a port that is none is not to be copied.
    root.querySelector(`[data-copy-from="${text.id}"]`).disabled = !good;
  }
}

function start(root, chosen) {
  for (const part of root.querySelectorAll("[data-without-script]")) part.hidden = true;
  startTabs(root, chosen);
  if (root.querySelector("[data-ports]")) buildTunnels(root);
  root.addEventListener("input", (event) => {
    if (event.target.closest("[data-port]")) buildTunnels(root);
  });
  root.addEventListener("change", (event) => {
    if (event.target.closest("[data-reload]")) reload(root);
  });
  root.querySelector("form")?.addEventListener("submit", (event) => event.preventDefault());
}

async function fetchGuide(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-connect]");
  if (!fresh || answer.redirected) throw new Error("no answer to show");
  return document.adoptNode(fresh);
}

// Another node or way: fetch again, and leave tab and focus where they are. An older answer is not shown.
async function reload(root) {
  const form = root.querySelector("form");
  const url = new URL(form.action);
  url.search = new URLSearchParams(new FormData(form));
  const plain = String(url);
  url.searchParams.set("fragment", "1");
  const asked = (root.asked = (root.asked ?? 0) + 1);
  try {
    const fresh = await fetchGuide(url);
    if (asked !== root.asked) return;
    const focused = root.contains(document.activeElement) ? document.activeElement.id : "";
    const chosen = root.querySelector("[role=tab][aria-selected=true]")?.id;
    root.replaceWith(fresh);
    start(fresh, chosen);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  } catch {
    location.assign(plain);
  }
}

async function open(link) {
  const dialog = document.getElementById("connect-dialog");
  const fresh = await fetchGuide(`${link.href}?fragment=1`);
  dialog.querySelector("[data-guide]").replaceChildren(fresh);
  dialog.showModal();
  start(fresh);
  // Where one begins: the chosen tab, or the sentence that says why there is none.
  (fresh.querySelector("[role=tab][aria-selected=true]") ?? dialog.querySelector("[data-close]")).focus();
}

export function startConnect() {
  const page = document.querySelector("[data-connect]");
  if (page) start(page);
  document.addEventListener("click", async (event) => {
    if (event.target.closest?.("#connect-dialog [data-close]")) {
      document.getElementById("connect-dialog").close();
      return;
    }
    const link = event.target.closest?.("[data-open-connect]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      await open(link);
    } catch {
      location.assign(link.href);
    }
  });
  // The job page replaces its parts as the job goes on: the button one came from may be another one now.
  document.getElementById("connect-dialog")?.addEventListener("close", () => {
    document.getElementById("more-ways")?.focus();
  });
}
