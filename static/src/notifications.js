/* The bell on every page: the number of unread notifications stays up to date while the page is open, and the browser
 * shows new ones itself where the person allowed it (on the settings page, per browser). */
import { announce, find, findAll } from "./dom.js";

const EVERY_MS = 30_000;
const ALLOWED = "headnode-browser-notifications";
const SHOWN = "headnode-last-notification";

/** @typedef {{ id: number, title: string, text: string, link: string }} Newest */
/** @typedef {{ unread: number, newest: Newest | null }} State */

/** Return what this browser keeps under a name; "" where storage is off. @param {string} name */
function kept(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} name @param {string} value */
function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Storage is off: nothing is remembered, and the browser shows no notifications.
  }
}

function isAllowed() {
  return "Notification" in window && Notification.permission === "granted" && kept(ALLOWED) === "on";
}

/** Write the count; the bell may have been replaced by htmx since. @param {number} unread */
function show(unread) {
  const bell = document.getElementById("bell");
  if (!bell) return;
  const upTo = Number(bell.dataset.upTo);
  const text = unread > upTo ? `${upTo}+` : String(unread);
  const count = find(bell, ".bell-count");
  if (count.textContent === text && count.hidden === !unread) return;
  count.textContent = text;
  count.hidden = !unread;
  const label = (unread ? bell.dataset.labelSome : bell.dataset.labelNone)?.replace("%n", text) ?? "";
  bell.setAttribute("aria-label", label);
  if (unread) announce(label);
}

/** Show the newest in the browser, once in all its windows. @param {Newest | null} newest */
function showInBrowser(newest) {
  const before = kept(SHOWN);
  const id = newest?.id ?? 0;
  if (before && id <= Number(before)) return;
  keep(SHOWN, String(id));
  // What was there before this browser first looked is not news.
  if (!before || !newest || !isAllowed() || document.visibilityState === "visible") return;
  const box = new Notification(newest.title, { body: newest.text, tag: `headnode-${newest.id}` });
  box.addEventListener("click", () => {
    window.focus();
    if (newest.link) location.assign(newest.link);
    box.close();
  });
}

/** @param {string} url */
async function refresh(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" }, redirect: "error" });
  if (!response.ok) return;
  /** @type {State} */
  const state = await response.json();
  show(state.unread);
  showInBrowser(state.newest);
}

function startSwitch() {
  for (const box of findAll(document, "[data-browser-notifications]")) {
    const button = find(box, "button", HTMLButtonElement);
    const state = find(box, "[data-state]");
    const write = () => {
      const can = "Notification" in window;
      const denied = can && Notification.permission === "denied";
      const name = !can ? "missing" : denied ? "denied" : isAllowed() ? "on" : "off";
      state.textContent = box.dataset[name] ?? "";
      button.textContent = (name === "on" ? button.dataset.turnOff : button.dataset.turnOn) ?? "";
      button.hidden = !can || denied;
    };
    button.addEventListener("click", async () => {
      if (isAllowed()) keep(ALLOWED, "off");
      else if ((await Notification.requestPermission()) === "granted") {
        keep(ALLOWED, "on");
        // What is there now is not news; what comes from here on is.
        document.dispatchEvent(new Event("headnode:notified"));
      }
      write();
    });
    box.hidden = false;
    write();
  }
}

export function startNotifications() {
  startSwitch();
  const url = document.getElementById("bell")?.dataset.stateUrl;
  if (!url) return;
  // A lost connection says nothing here: the next turn asks again.
  const ask = () => void refresh(url).catch(() => {});
  const due = () => {
    if (document.visibilityState === "visible" || isAllowed()) ask();
  };
  window.setInterval(due, EVERY_MS);
  document.addEventListener("visibilitychange", due);
  document.addEventListener("headnode:notified", ask);
  if (isAllowed()) ask();
}
