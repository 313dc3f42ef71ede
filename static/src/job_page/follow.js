/* Stays at the newest line until one scrolls up; then counts what is new and offers the way back. */
const NEAR_PX = 24;

export class Follow {
  constructor(panel) {
    this.say = panel.dataset;
    this.scroll = panel.querySelector("[data-log-scroll]");
    this.box = panel.querySelector("[data-log-follow]");
    this.button = panel.querySelector("[data-log-newer]");
    this.on = true;
    this.newer = 0;
    this.held = false;
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Scrolling up by hand lets go at once, also while lines keep pouring in.
    this.scroll.addEventListener("wheel", (event) => event.deltaY < 0 && this.#set(false), { passive: true });
    this.scroll.addEventListener("keydown", (event) => ["PageUp", "ArrowUp", "Home"].includes(event.key) && this.#set(false));
    // A scroll bar that is dragged, or a finger: any other move up is the layout's, not a person's.
    const held = (is) => () => (this.held = is);
    this.scroll.addEventListener("pointerdown", held(true), { passive: true });
    this.scroll.addEventListener("touchmove", held(true), { passive: true });
    for (const end of ["pointerup", "pointercancel", "touchend"]) window.addEventListener(end, () => setTimeout(held(false), 1000));
    this.box.addEventListener("change", () => (this.box.checked ? this.toEnd() : this.#set(false)));
    this.button.addEventListener("click", () => {
      this.toEnd();
      this.scroll.focus({ preventScroll: true });
    });
    // The view changes its size, or lines turn out taller than they were taken to be before they were laid out.
    const sizes = new ResizeObserver(() => this.on && this.toEnd());
    sizes.observe(this.scroll);
    sizes.observe(panel.querySelector("[data-log-lines]"));
  }

  toEnd() {
    this.#set(true);
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.top = this.scroll.scrollTop;
  }

  grew(count) {
    if (this.on) {
      this.toEnd();
      return;
    }
    this.newer += count;
    this.#show();
  }

  /** Runs a change above the view without moving what is looked at. */
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

  #set(on) {
    this.on = on;
    this.box.checked = on;
    if (on) this.newer = 0;
    this.#show();
  }

  #show() {
    const scrolls = this.scroll.scrollHeight > this.scroll.clientHeight + NEAR_PX;
    this.button.hidden = this.on || !scrolls;
    const text =
      this.newer === 0 ? this.say.latest : this.newer === 1 ? this.say.newerOne : this.say.newerMany.replace("%n", this.newer);
    this.button.querySelector("[data-text]").textContent = text;
  }
}
