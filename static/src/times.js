/* Readable times: <time datetime="..." data-time="ago|local|for|until"> is kept up to date.
 *
 * ago: "5 minutes ago" with the full time as its title; local: date and time here; for: running duration since then;
 * until: running time left.
 */
import { duration } from "./durations.js";

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const language = document.documentElement.lang || undefined;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/** @param {number} seconds */
function ago(seconds) {
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(-Math.round(seconds / size), unit);
  }
  return relative.format(-Math.max(0, Math.round(seconds)), "second");
}

/**
 * Write every time below `root` again.
 *
 * @param {ParentNode} root
 */
export function showTimes(root = document) {
  for (const element of /** @type {NodeListOf<HTMLTimeElement>} */ (root.querySelectorAll("time[data-time]"))) {
    const at = new Date(element.dateTime);
    const style = element.dataset.time;
    const passed = (Date.now() - at.getTime()) / 1000;
    const text =
      style === "ago" ? ago(passed) : style === "for" ? duration(passed) : style === "until" ? duration(-passed) : short.format(at);
    if (element.textContent !== text) element.textContent = text;
    if (style !== "for") element.title = full.format(at);
  }
}

/** Write every time on the page, again each second. */
export function startTimes() {
  showTimes();
  setInterval(() => document.hidden || showTimes(), 1000);
  document.addEventListener("htmx:afterSettle", () => showTimes());
  document.addEventListener("visibilitychange", () => showTimes());
}
