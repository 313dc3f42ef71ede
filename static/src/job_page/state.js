/* Fetches the state fragment after news and replaces only the parts that really changed. */
import { showTimes } from "../times.js";
import { keepBootStreams } from "./boot_streams.js";
import { showExtend } from "./extend.js";

const QUIET_MS = 150;
const LONGEST_MS = 1000;

/** What a person is writing is not taken from under their hands: the next news replaces it. */
function isFilledIn(part) {
  const active = document.activeElement;
  return Boolean(part?.contains(active) && active.matches("input:not([type=hidden])") && active.value !== active.defaultValue);
}

export class StateFollower {
  constructor(url) {
    this.url = url;
    this.timer = 0;
    this.since = 0;
    this.asking = false;
    this.again = false;
    this.before = new Map();
  }

  /** Something happened: ask soon, once for many. */
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
      const answer = await fetch(this.url, { headers: { Accept: "text/html" } });
      if (answer.ok && !answer.redirected) this.#show(await answer.text());
    } catch {
      // Offline: the socket notices too, and asks again when it is back.
    } finally {
      this.asking = false;
      if (this.again) {
        this.again = false;
        this.changed();
      }
    }
  }

  #show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const part of fresh.querySelectorAll("[data-live]")) {
      // CSRF tokens differ each time and mean nothing here.
      const seen = part.outerHTML.replaceAll(/csrfmiddlewaretoken" value="[^"]*"/g, "");
      if (this.before.get(part.id) === seen || isFilledIn(document.getElementById(part.id))) continue;
      this.before.set(part.id, seen);
      this.#replace(document.getElementById(part.id), document.adoptNode(part));
    }
  }

  #replace(old, part) {
    if (!old) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const keep = keepBootStreams(old, part);
    old.replaceWith(part);
    keep();
    showTimes(part);
    showExtend(part);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
}
