/* Notices a line that died without the browser being told: after sleep, in a tunnel, behind a router that forgot. */
const PING_MILLISECONDS = 15_000;
const SILENCE_MILLISECONDS = 20_000;
const PROBE_MILLISECONDS = 4_000;

/** Call `look()` whenever the network or the person has come back, until `signal` is aborted. */
export function whenBack(look, signal) {
  window.addEventListener("online", look, { signal });
  window.addEventListener("pageshow", look, { signal });
  document.addEventListener("visibilitychange", () => document.hidden || look(), { signal });
}

export class LineWatch {
  /** `ping()` asks the portal for a sign of life; `dead()` is called when none came. */
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

  /** Something came. */
  heard() {
    this.askedAt = null;
  }

  /** Be sure within seconds: the page was looked at again, or the network changed. */
  probe() {
    this.#ask();
    clearTimeout(this.probing);
    this.probing = setTimeout(() => this.askedAt !== null && this.dead(), PROBE_MILLISECONDS);
  }

  // A hidden page's timers come late. Only a question that stays without an answer tells anything; lateness does not.
  #tick() {
    if (this.askedAt !== null && performance.now() - this.askedAt > SILENCE_MILLISECONDS) this.dead();
    else this.#ask();
  }

  #ask() {
    this.askedAt ??= performance.now();
    this.ping();
  }
}
