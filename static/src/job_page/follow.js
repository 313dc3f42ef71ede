/* Keeps the newest line in view until the person scrolls up; then counts what is new and offers the way back. */
import { find } from "../dom.js";

const NEAR_PX = 24;

export class Follow {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.say = panel.dataset;
    this.scroll = find(panel, "[data-log-scroll]");
    this.box = find(panel, "[data-log-follow]", HTMLInputElement);
    this.button = find(panel, "[data-log-newer]");
    this.on = true;
    this.newer = 0;
    this.held = false;
    /** @type {number | undefined} */
    this.top = undefined;
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Scrolling up by hand stops following at once, also while many lines come in.
    this.scroll.addEventListener("wheel", (event) => event.deltaY < 0 && this.#set(false), { passive: true });
    this.scroll.addEventListener("keydown", (event) => ["PageUp", "ArrowUp", "Home"].includes(event.key) && this.#set(false));
    // Only a dragged scroll bar or a finger counts: any other move up is caused by the layout.
    /** @param {boolean} is */
    const held = (is) => () => (this.held = is);
    this.scroll.addEventListener("pointerdown", held(true), { passive: true });
    this.scroll.addEventListener("touchmove", held(true), { passive: true });
    for (const end of ["pointerup", "pointercancel", "touchend"]) window.addEventListener(end, () => setTimeout(held(false), 1000));
    this.box.addEventListener("change", () => (this.box.checked ? this.toEnd() : this.#set(false)));
    this.button.addEventListener("click", () => {
      this.toEnd();
      this.scroll.focus({ preventScroll: true });
    });
    // The view changes its size, or lines turn out taller than was assumed before they were laid out.
    const sizes = new ResizeObserver(() => this.on && this.toEnd());
    sizes.observe(this.scroll);
    sizes.observe(find(panel, "[data-log-lines]"));
  }

  toEnd() {
    this.#set(true);
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.top = this.scroll.scrollTop;
  }

  /** @param {number} count lines that were added */
  grew(count) {
    if (this.on) {
      this.toEnd();
      return;
    }
    this.newer += count;
    this.#show();
  }

  /**
   * Make a change above the view without moving what is in view.
   *
   * @param {() => void} change
   */
  keepPlace(change) {
    const fromEnd = this.scroll.scrollHeight - this.scroll.scrollTop;
    this.#set(false);
    change();
    this.scroll.scrollTop = this.scroll.scrollHeight - fromEnd;
  }

  #scrolled() {
    const left = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight;
    const wentUp = this.top !== undefined && this.scroll.scrollTop < this.top - 2;
    this.top = this.scroll.scrollTop;
    if (left < NEAR_PX) this.#set(true);
    else if (wentUp && this.held) this.#set(false);
    else if (this.on) this.toEnd();
  }

  /** @param {boolean} on */
  #set(on) {
    this.on = on;
    this.box.checked = on;
    if (on) this.newer = 0;
    this.#show();
  }

  #show() {
    const scrolls = this.scroll.scrollHeight > this.scroll.clientHeight + NEAR_PX;
    this.button.hidden = this.on || !scrolls;
    const many = this.say.newerMany?.replace("%n", String(this.newer));
    const text = this.newer === 0 ? this.say.latest : this.newer === 1 ? this.say.newerOne : many;
    find(this.button, "[data-text]").textContent = text ?? "";
  }
}
