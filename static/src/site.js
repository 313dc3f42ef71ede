/* On every page: htmx, theme switch, copy buttons, confirmation, times. */
import htmx from "htmx.org";
import { startConfirming } from "./confirm.js";
import { startConnect } from "./connect.js";
import { startCopying } from "./copy.js";
import { startThemeSwitch } from "./theme_switch.js";
import { startTimes } from "./times.js";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.historyCacheSize = 0; // pages hold other people's addresses and one-time secrets: keep none in storage
htmx.config.selfRequestsOnly = true;
// A refusal comes as 400, 403, 404 or 409 with the fragment that says why: show it.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "(400|403|404|409|413)", swap: true },
  { code: "...", swap: false, error: true },
];
window.htmx = htmx;

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name='csrf-token']");
  if (token) event.detail.headers["X-CSRFToken"] = token.content;
});

// No answer, or one without a fragment: say so where the person is looking.
function sayFailed(event) {
  const box = document.getElementById("request-failed");
  if (box) {
    box.hidden = false;
    box.querySelector("[data-text]").textContent =
      event.type === "htmx:sendError" ? box.dataset.offline : box.dataset.failed;
  }
}
document.addEventListener("htmx:sendError", sayFailed);
document.addEventListener("htmx:responseError", sayFailed);
document.addEventListener("htmx:beforeRequest", () => {
  const box = document.getElementById("request-failed");
  if (box) box.hidden = true;
});

// A whole page instead of a fragment: signed out meanwhile (then sign in and come back here), or an error page.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!/^\s*<!doctype/i.test(event.detail.serverResponse)) return;
  event.detail.shouldSwap = false;
  if (event.detail.xhr.status === 200) location.reload();
  else sayFailed(event);
});

// After a refusal the field at fault gets the focus; after success, the message is read out (role=status).
document.addEventListener("htmx:afterSettle", (event) => {
  event.target.querySelector?.("[aria-invalid='true']")?.focus();
});

startThemeSwitch();
startCopying();
startConfirming();
startConnect();
startTimes();
