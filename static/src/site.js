/* On every page: htmx, theme switch, copy buttons, confirmation, times. */
import htmx from "htmx.org";
import { startConfirming } from "./confirm.js";
import { startConnect } from "./connect.js";
import { startCopying } from "./copy.js";
import { startCosts } from "./costs.js";
import { closest, csrfToken, find, findAll } from "./dom.js";
import { startKeptForms } from "./kept_forms.js";
import { startNotifications } from "./notifications.js";
import { startSshCommands } from "./ssh_commands.js";
import { startThemeSwitch } from "./theme_switch.js";
import { startTimes } from "./times.js";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.historyCacheSize = 0; // pages have addresses of other people and one-time secrets: store none
htmx.config.selfRequestsOnly = true;
// A refusal (400, 403, 404, 409, 413) comes with a fragment that explains it: show it.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "(400|403|404|409|413)", swap: true },
  { code: "...", swap: false, error: true },
];
window.htmx = htmx;

document.addEventListener("htmx:configRequest", (event) => {
  const token = csrfToken();
  if (token) event.detail.headers["X-CSRFToken"] = token;
});

// No response, or one without a fragment: show it on the page.
/** @param {Event} event */
function sayFailed(event) {
  const box = document.getElementById("request-failed");
  if (box) {
    box.hidden = false;
    const sentence = event.type === "htmx:sendError" ? box.dataset.offline : box.dataset.failed;
    find(box, "[data-text]").textContent = sentence ?? "";
  }
}
document.addEventListener("htmx:sendError", sayFailed);
document.addEventListener("htmx:responseError", sayFailed);
document.addEventListener("htmx:beforeRequest", () => {
  const box = document.getElementById("request-failed");
  if (box) box.hidden = true;
});

// A whole page instead of a fragment: the person was signed out (then sign in and come back here), or an error page.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!/^\s*<!doctype/i.test(event.detail.serverResponse)) return;
  event.detail.shouldSwap = false;
  if (event.detail.xhr.status === 200) location.reload();
  else sayFailed(event);
});

// After a refusal the field at fault gets the focus; after success, the message is read out (role=status).
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target instanceof Element) findAll(event.target, "[aria-invalid='true']")[0]?.focus();
});

// A form that must not be sent twice by a second press.
document.addEventListener("submit", (event) => {
  const form = closest(event, "form[data-send-once]", HTMLFormElement);
  if (!form) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of findAll(document, "form[data-send-once]")) delete form.dataset.sent;
});

startThemeSwitch();
startCopying();
startConfirming();
startConnect();
startKeptForms();
startSshCommands();
startTimes();
startCosts();
startNotifications();
