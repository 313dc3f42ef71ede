/* How fast bytes go out, how long the rest takes, and sizes as text. */

const WINDOW_MS = 8000;
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * Return a size as text, in powers of 1024: "3.2 GB".
 *
 * @param {number} bytes
 */
export function sizeText(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && value < 100 ? 1 : 0;
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }).format(value)} ${UNITS[unit]}`;
}

/** Bytes per second over the last seconds. */
export class Rate {
  /** @type {{ at: number, sent: number }[]} */
  #samples = [];

  /**
   * Note how many bytes have been sent in all.
   *
   * @param {number} sent
   * @param {number} at milliseconds
   */
  note(sent, at) {
    const last = this.#samples.at(-1);
    if (last && sent < last.sent) this.#samples = []; // something was removed, or begun again
    this.#samples.push({ at, sent });
    while (this.#samples.length > 2 && at - this.#samples[0].at > WINDOW_MS) this.#samples.shift();
  }

  /** Return bytes per second; 0 while that is unknown. */
  get perSecond() {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < 500) return 0;
    return ((last.sent - first.sent) * 1000) / (last.at - first.at);
  }

  /**
   * Return the seconds that so many bytes take; null while that is unknown.
   *
   * @param {number} bytes
   */
  secondsFor(bytes) {
    const rate = this.perSecond;
    return rate > 0 ? Math.ceil(bytes / rate) : null;
  }
}
