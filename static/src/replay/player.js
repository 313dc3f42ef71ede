/* Plays events into a terminal: forwards at a speed, and to any position by playing everything before it at once.
 *
 * Events: "change" (position, playing, speed or timeline), "marker" (detail: its text, or "" once it is past).
 */
import { sizeOf } from "./cast.js";
import { Timeline } from "./timeline.js";

// Output that xterm.js has not drawn yet; beyond it the clock waits for the screen.
const AHEAD = 512 * 1024;
const BATCH = 256 * 1024;

/**
 * @typedef {object} Display what is played to
 * @property {(text: string, done: () => void) => void} write
 * @property {() => void} reset
 * @property {(size: import("../terminal/session.js").Size) => void} resize
 */

export class Player extends EventTarget {
  /** @type {Timeline} */
  timeline;
  before = 0; // when the position was last advanced, on the clock of performance.now()
  frame = 0;
  /** @type {number | null} the position to seek */
  target = null;

  /**
   * @param {ReturnType<typeof import("./cast.js").parse>} cast
   * @param {Display} screen
   */
  constructor({ header, events }, screen) {
    super();
    this.size = { cols: header.width, rows: header.height };
    this.events = events;
    this.screen = screen;
    this.speed = 1;
    this.playing = false;
    this.position = 0;
    this.done = 0;
    this.waiting = 0;
    /** @type {Promise<void> | null} */
    this.seeking = null;
    this.skipPauses(true);
    screen.resize(this.size);
  }

  get length() {
    return this.timeline.length;
  }

  get atEnd() {
    return this.done >= this.events.length;
  }

  /** The markers with their positions, for the seek bar. */
  get markers() {
    return this.events.flatMap(({ code, data }, index) =>
      code === "m" && data ? [{ at: this.timeline.times[index], text: data }] : [],
    );
  }

  play() {
    if (this.playing) return;
    this.playing = true;
    if (this.atEnd) void this.seek(0);
    this.before = performance.now();
    this.#tick();
    this.#changed();
  }

  pause() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.#changed();
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = speed;
    this.#changed();
  }

  /**
   * Shorten long pauses, or play them as they were. The position stays at the same event.
   *
   * @param {boolean} skips
   */
  skipPauses(skips) {
    this.timeline = new Timeline(this.events.map(({ at }) => at), skips);
    this.position = this.timeline.timeOf(this.done);
    this.#changed();
  }

  /**
   * Go to a position. Resolve when the screen shows it. Of several calls in quick succession the last one counts.
   *
   * @param {number} seconds
   */
  async seek(seconds) {
    const wanted = Math.min(Math.max(0, seconds), this.length);
    this.position = wanted;
    this.#changed();
    this.target = wanted;
    this.seeking ??= this.#seekAll().finally(() => {
      this.seeking = null;
    });
    await this.seeking;
  }

  async #seekAll() {
    while (this.target !== null) {
      const count = this.timeline.countAt(this.target);
      this.target = null;
      if (count < this.done) {
        this.screen.reset();
        this.screen.resize(this.size);
        this.done = 0;
      }
      while (this.done < count && this.target === null) await this.#drawUpTo(count);
    }
    this.before = performance.now();
    this.#tellMarker();
  }

  /**
   * Draw one batch of output and wait for it, so that another seek can take over in between.
   *
   * @param {number} count
   * @returns {Promise<void>}
   */
  #drawUpTo(count) {
    return new Promise((resolve) => {
      let text = "";
      while (this.done < count && text.length < BATCH) {
        const event = this.events[this.done];
        if (event.code === "r" && text) break;
        this.done += 1;
        if (event.code === "o") text += event.data;
        else if (event.code === "r") this.#resize(event.data);
      }
      this.screen.write(text, resolve);
    });
  }

  #tick() {
    this.frame = requestAnimationFrame((now) => {
      if (!this.playing) return;
      const passed = Math.min(1, (now - this.before) / 1000);
      this.before = now;
      if (!this.seeking && this.waiting < AHEAD) this.#advance(passed * this.speed);
      if (this.playing) this.#tick();
    });
  }

  /** @param {number} seconds */
  #advance(seconds) {
    this.position = Math.min(this.position + seconds, this.length);
    const count = this.timeline.countAt(this.position);
    let text = "";
    while (this.done < count) {
      const { code, data } = this.events[this.done];
      this.done += 1;
      if (code === "o") text += data;
      if (code === "r") {
        this.#draw(text);
        text = "";
        this.#resize(data);
      }
      if (code === "m") this.#tellMarker();
    }
    this.#draw(text);
    if (this.atEnd) {
      this.position = this.length;
      this.pause();
    } else {
      this.#changed();
    }
  }

  /** @param {string} text */
  #draw(text) {
    if (!text) return;
    this.waiting += text.length;
    this.screen.write(text, () => {
      this.waiting -= text.length;
    });
  }

  /** @param {string} data */
  #resize(data) {
    const size = sizeOf(data);
    if (size) this.screen.resize(size);
  }

  #tellMarker() {
    const last = this.events[this.done - 1];
    this.dispatchEvent(new CustomEvent("marker", { detail: last?.code === "m" ? last.data : "" }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
