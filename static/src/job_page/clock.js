/* The three ways to show a line's time: since the job began, on this computer's clock, or in UTC. */
/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

/**
 * Return a duration as text: 65000 -> "1m 05s".
 *
 * @param {number} ms
 */
export function sinceStart(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours) return `${hours}h ${two(minutes)}m ${two(whole % 60)}s`;
  return minutes ? `${minutes}m ${two(whole % 60)}s` : `${whole}s`;
}

export class Clock {
  /** @param {string} began ISO time at which the job began */
  constructor(began) {
    this.began = Date.parse(began);
    this.style = "relative";
  }

  /**
   * Write the time of a line in the chosen way.
   *
   * @param {HTMLTimeElement} element
   */
  show(element) {
    const at = new Date(element.dateTime);
    if (this.style === "relative") element.textContent = sinceStart(at.getTime() - this.began);
    else if (this.style === "utc") element.textContent = `${at.toISOString().slice(11, 19)}Z`;
    else element.textContent = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    element.title = at.toISOString();
  }
}
