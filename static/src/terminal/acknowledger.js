/* Acknowledges the output that was drawn: every 32 KiB, or 60 ms after a byte. */
const BYTES = 32 * 1024;
const MILLISECONDS = 60;

export class Acknowledger {
  /** @param {(offset: number) => void} send acknowledges everything before `offset` */
  constructor(send) {
    this.send = send;
    this.drawn = this.acknowledged = 0;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /**
   * Start anew for a socket whose output begins at `offset`: the portal counts everything before as acknowledged.
   *
   * @param {number} offset
   */
  begin(offset) {
    this.stop();
    this.acknowledged = offset;
    this.drawn = Math.max(this.drawn, offset);
  }

  /**
   * Note that everything before `offset` is on the screen.
   *
   * @param {number} offset
   */
  drew(offset) {
    this.drawn = Math.max(this.drawn, offset);
    if (this.drawn - this.acknowledged >= BYTES) this.#now();
    else this.timer ??= setTimeout(() => this.#now(), MILLISECONDS);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  #now() {
    this.stop();
    if (this.drawn <= this.acknowledged) return;
    this.acknowledged = this.drawn;
    this.send(this.drawn);
  }
}
