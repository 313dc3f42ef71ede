/* Fetches the state fragment after an event and replaces only the parts that changed. */
import { findAll } from "../dom.js";
import { showSshCommands } from "../ssh_commands.js";
import { showTimes } from "../times.js";
import { keepBootStreams } from "./boot_streams.js";
import { showExtend } from "./extend.js";

const QUIET_MS = 150;
const LONGEST_MS = 1000;

/**
 * Return whether the person is writing in a field of `part`. It is then not replaced; the next event does that.
 *
 * @param {HTMLElement | null} part
 */
function isFilledIn(part) {
  const active = document.activeElement;
  if (!part?.contains(active) || !(active instanceof HTMLInputElement)) return false;
  return active.type !== "hidden" && active.value !== active.defaultValue;
}

export class StateFollower {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    this.timer = 0;
    this.since = 0;
    this.asking = false;
    this.again = false;
    /** @type {Map<string, string>} */
    this.before = new Map();
  }

  /** Fetch the state soon; once for many calls. */
  changed() {
    const now = performance.now();
    if (!this.timer) this.since = now;
    else clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#ask(), Math.max(0, Math.min(QUIET_MS, this.since + LONGEST_MS - now)));
  }

  async #ask() {
    this.timer = 0;
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    try {
      const response = await fetch(this.url, { headers: { Accept: "text/html" } });
      if (response.ok && !response.redirected) this.#show(await response.text());
    } catch {
      // Offline: the socket notices too, and calls again when it is back.
    } finally {
      this.asking = false;
      if (this.again) {
        this.again = false;
        this.changed();
      }
    }
  }

  /** @param {string} html */
  #show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const part of findAll(fresh, "[data-live]")) {
      // CSRF tokens differ each time and mean nothing here.
      const seen = part.outerHTML.replaceAll(/csrfmiddlewaretoken" value="[^"]*"/g, "");
      if (this.before.get(part.id) === seen || isFilledIn(document.getElementById(part.id))) continue;
      this.before.set(part.id, seen);
      this.#replace(document.getElementById(part.id), document.adoptNode(part));
    }
  }

  /** @param {HTMLElement | null} old @param {HTMLElement} part */
  #replace(old, part) {
    if (!old) return;
    const focused = old.contains(document.activeElement) ? document.activeElement?.id : "";
    const keep = keepBootStreams(old, part);
    for (const before of findAll(old, "details[open][id]:not([data-boot-stream])")) {
      part.querySelector(`#${CSS.escape(before.id)}`)?.setAttribute("open", "");
    }
    old.replaceWith(part);
    keep();
    showTimes(part);
    showExtend(part);
    showSshCommands(part);
    document.dispatchEvent(new Event("headnode:job-state"));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
}
