/* Plays events into a terminal: forwards at a speed, to any place by playing all up to it at once.
 *
 * Events: "change" (position, playing, speed or timeline), "marker" (detail: its text, or "" once it is past).
 */
import { sizeOf } from "./cast.js";
import { Timeline } from "./timeline.js";

// Output that xterm.js has not drawn yet; beyond it the clock waits for the screen.
const AHEAD = 512 * 1024;
const BATCH = 256 * 1024;

export class Player extends EventTarget {
  /** `screen`: {write(text, done), reset(), resize(size)}. */
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

  /** Markers with their places, for the seek bar. */
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

  setSpeed(speed) {
    this.speed = speed;
    this.#changed();
  }

  /** Cut long pauses short, or play them as they were. One stays at the same event. */
  skipPauses(skips) {
    this.skips = skips;
    this.timeline = new Timeline(this.events.map(({ at }) => at), skips);
    this.position = this.timeline.timeOf(this.done);
    this.#changed();
  }

  /** Go to a place; resolves when the screen shows it. Of several in quick succession the last one counts. */
  async seek(seconds) {
    const wanted = Math.min(Math.max(0, seconds), this.length);
    this.position = wanted;
    this.#changed();
    this.target = wanted;
    this.seeking ??= this.#seekAll().finally(() => (this.seeking = null));
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

  // One batch of output, waited for, so that a long way can be broken off by another seek.
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

  #draw(text) {
    if (!text) return;
    this.waiting += text.length;
    this.screen.write(text, () => (this.waiting -= text.length));
  }

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
