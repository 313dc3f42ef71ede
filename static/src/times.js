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

/** @param {number} value */
const two = (value) => String(value).padStart(2, "0");

/**
 * Return date and time here in the one form that every page, log and mail has: 2026-11-28 09:05.
 *
 * @param {Date} at
 */
export function localTime(at) {
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** @param {Date} at the same with seconds and the distance to UTC, for who looks closer */
function fullTime(at) {
  const east = -at.getTimezoneOffset();
  const zone = `${east < 0 ? "-" : "+"}${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`;
  return `${localTime(at)}:${two(at.getSeconds())} (UTC${east ? zone : ""})`;
}

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
      style === "ago" ? ago(passed) : style === "for" ? duration(passed) : style === "until" ? duration(-passed) : localTime(at);
    if (element.textContent !== text) element.textContent = text;
    if (style !== "for") element.title = fullTime(at);
  }
}

/** Write every time on the page, again each second. */
export function startTimes() {
  showTimes();
  setInterval(() => document.hidden || showTimes(), 1000);
  document.addEventListener("htmx:afterSettle", () => showTimes());
  document.addEventListener("visibilitychange", () => showTimes());
}
