/* Lines in chunks: the browser lays out and paints only the chunks near the view (content-visibility), so that ten
 * thousand lines scroll like a hundred. A chunk for each line would cost far more. */
const SIZE = 50;
const LINE_PX = 22;

/** @param {HTMLElement} chunk */
const linesOf = (chunk) => /** @type {HTMLElement[]} */ ([...chunk.children]);

export class Chunks {
  /** @param {HTMLElement} container its children are the first lines */
  constructor(container) {
    this.container = container;
    this.lines = /** @type {HTMLElement[]} */ ([...container.children]);
    this.#build(this.lines, (chunk) => container.append(chunk));
  }

  /** @param {HTMLElement[]} lines */
  append(lines) {
    this.lines.push(...lines);
    const last = /** @type {HTMLElement | null} */ (this.container.lastElementChild);
    const room = last ? SIZE - last.children.length : 0;
    if (last && room > 0) {
      last.append(...lines.slice(0, room));
      this.#measure(last);
    }
    this.#build(lines.slice(Math.max(0, room)), (chunk) => this.container.append(chunk));
  }

  /** @param {HTMLElement[]} lines */
  prepend(lines) {
    this.lines.unshift(...lines);
    const before = this.container.firstElementChild;
    this.#build(lines, (chunk) => this.container.insertBefore(chunk, before));
  }

  /**
   * Drop whole chunks from the start while more than `most` lines are left. Return whether any went.
   *
   * @param {number} most
   */
  trim(most) {
    let gone = 0;
    while (this.lines.length - gone > most && this.container.children.length > 1) {
      const [first] = this.container.children;
      gone += first.children.length;
      first.remove();
    }
    this.lines.splice(0, gone);
    return gone > 0;
  }

  /**
   * Hide the lines that do not match. Return how many do.
   *
   * @param {(line: HTMLElement) => boolean} matches
   */
  filter(matches) {
    let shown = 0;
    for (const chunk of this.#chunks()) {
      for (const line of linesOf(chunk)) {
        const hit = matches(line);
        if (line.hidden === hit) line.hidden = !hit;
        if (hit) shown += 1;
      }
      this.#measure(chunk);
    }
    return shown;
  }

  #chunks() {
    return /** @type {HTMLElement[]} */ ([...this.container.children]);
  }

  /** @param {HTMLElement[]} lines @param {(chunk: HTMLElement) => void} place */
  #build(lines, place) {
    for (let from = 0; from < lines.length; from += SIZE) {
      const chunk = document.createElement("div");
      chunk.className = "log-chunk";
      chunk.append(...lines.slice(from, from + SIZE));
      this.#measure(chunk);
      place(chunk);
    }
  }

  /**
   * Set the height that a chunk is taken to have while it is not rendered.
   *
   * @param {HTMLElement} chunk
   */
  #measure(chunk) {
    const shown = linesOf(chunk).filter((line) => !line.hidden).length;
    chunk.hidden = shown === 0;
    chunk.style.containIntrinsicBlockSize = `${shown * LINE_PX}px`;
  }
}
