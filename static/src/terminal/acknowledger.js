/* Tells the portal what was drawn, at a calm pace: every 32 KiB, or a moment after the last byte. */
const BYTES = 32 * 1024;
const MILLISECONDS = 60;

export class Acknowledger {
  /** `send(offset)` acknowledges everything before it. */
  constructor(send) {
    this.send = send;
    this.drawn = this.acknowledged = 0;
    this.timer = undefined;
  }

  /** A socket is ready that begins at `offset`: for the portal, everything before is dealt with. */
  begin(offset) {
    this.stop();
    this.acknowledged = offset;
    this.drawn = Math.max(this.drawn, offset);
  }

  /** Everything before `offset` is on the screen. */
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
