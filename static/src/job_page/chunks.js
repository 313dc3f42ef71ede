/* Lines in chunks: the browser lays out and paints only the chunks near the view (content-visibility), so that ten
 * thousand lines scroll like a hundred. One chunk per line would do the same and cost far more. */
const SIZE = 50;
const LINE_PX = 22;

export class Chunks {
  constructor(container) {
    this.container = container;
    this.lines = [...container.children];
    this.#build(this.lines, (chunk) => container.append(chunk));
  }

  append(lines) {
    this.lines.push(...lines);
    const last = this.container.lastElementChild;
    const room = last ? SIZE - last.children.length : 0;
    if (room > 0) {
      last.append(...lines.slice(0, room));
      this.#measure(last);
    }
    this.#build(lines.slice(Math.max(0, room)), (chunk) => this.container.append(chunk));
  }

  prepend(lines) {
    this.lines.unshift(...lines);
    const before = this.container.firstElementChild;
    this.#build(lines, (chunk) => this.container.insertBefore(chunk, before));
  }

  /** Drops whole chunks from the start while more than `most` lines are left; true when something went. */
  trim(most) {
    let gone = 0;
    while (this.lines.length - gone > most && this.container.children.length > 1) {
      gone += this.container.firstElementChild.children.length;
      this.container.firstElementChild.remove();
    }
    this.lines.splice(0, gone);
    return gone > 0;
  }

  /** Hides the lines that do not match; answers how many do. */
  filter(matches) {
    let shown = 0;
    for (const chunk of this.container.children) {
      for (const line of chunk.children) {
        const hit = matches(line);
        if (line.hidden === hit) line.hidden = !hit;
        shown += hit;
      }
      this.#measure(chunk);
    }
    return shown;
  }

  #build(lines, place) {
    for (let from = 0; from < lines.length; from += SIZE) {
      const chunk = document.createElement("div");
      chunk.className = "log-chunk";
      chunk.append(...lines.slice(from, from + SIZE));
      this.#measure(chunk);
      place(chunk);
    }
  }

  // The height a chunk is taken to have while it is not rendered.
  #measure(chunk) {
    let shown = 0;
    for (const line of chunk.children) shown += !line.hidden;
    chunk.hidden = shown === 0;
    chunk.style.containIntrinsicBlockSize = `${shown * LINE_PX}px`;
  }
}
