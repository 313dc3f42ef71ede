/* Notices a dead connection that the browser did not report: after sleep, in a tunnel, behind a router that forgot it. */
const PING_MILLISECONDS = 15_000;
const SILENCE_MILLISECONDS = 20_000;
const PROBE_MILLISECONDS = 4_000;

/**
 * Call `look()` whenever the network or the person is back, until `signal` is aborted.
 *
 * @param {() => void} look
 * @param {AbortSignal} signal
 */
export function whenBack(look, signal) {
  window.addEventListener("online", look, { signal });
  window.addEventListener("pageshow", look, { signal });
  document.addEventListener("visibilitychange", () => document.hidden || look(), { signal });
}

export class ConnectionWatch {
  /** @type {number | null} */
  askedAt = null;
  /** @type {number | undefined} */
  ticking = undefined;
  /** @type {number | undefined} */
  probing = undefined;

  /**
   * @param {() => void} ping sends something that the portal replies to
   * @param {() => void} dead called when nothing came back
   */
  constructor(ping, dead) {
    this.ping = ping;
    this.dead = dead;
  }

  start() {
    this.stop();
    this.askedAt = null;
    this.ticking = setInterval(() => this.#tick(), PING_MILLISECONDS);
  }

  stop() {
    clearInterval(this.ticking);
    clearTimeout(this.probing);
  }

  /** Note that something arrived. */
  heard() {
    this.askedAt = null;
  }

  /** Find out within seconds: the page is visible again, or the network changed. */
  probe() {
    this.#ask();
    clearTimeout(this.probing);
    this.probing = setTimeout(() => this.askedAt !== null && this.dead(), PROBE_MILLISECONDS);
  }

  // The timers of a hidden page are late, so only a ping without a reply counts.
  #tick() {
    if (this.askedAt !== null && performance.now() - this.askedAt > SILENCE_MILLISECONDS) this.dead();
    else this.#ask();
  }

  #ask() {
    this.askedAt ??= performance.now();
    this.ping();
  }
}
