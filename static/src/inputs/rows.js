/* One row of the list of inputs: a file, or a folder with all its files, on its way or there already. */
import { find } from "../dom.js";
import { sizeText } from "./rate.js";

/** @typedef {import("./upload_queue.js").Item} Item */
/** @typedef {{ name: string, files: number, size: number, ids: string[] }} Chosen what a row is once all has arrived */

export class Row {
  /** @type {Item[]} */
  items = [];

  /**
   * @param {{ name: string, chosen?: Chosen, items?: Item[], template: HTMLTemplateElement, words: DOMStringMap,
   *   go: (row: Row) => void, remove: (row: Row) => void }} options
   */
  constructor({ name, chosen, items = [], template, words, go, remove }) {
    this.name = name;
    this.items = items;
    this.chosen = chosen ?? null;
    this.words = words;
    this.element = find(/** @type {DocumentFragment} */ (template.content.cloneNode(true)), "li", HTMLLIElement);
    find(this.element, "[data-name]").textContent = name;
    const button = find(this.element, "[data-remove]", HTMLButtonElement);
    button.setAttribute("aria-label", `${words.remove} ${name}`);
    button.addEventListener("click", () => remove(this));
    find(this.element, "[data-go]").addEventListener("click", () => go(this));
    this.show();
  }

  get size() {
    return this.chosen ? this.chosen.size : this.items.reduce((sum, item) => sum + item.size, 0);
  }

  get sent() {
    return this.chosen ? this.chosen.size : this.items.reduce((sum, item) => sum + item.sent, 0);
  }

  /** @param {import("./upload_queue.js").State} state */
  count(state) {
    return this.items.reduce((sum, item) => sum + (item.state === state ? 1 : 0), 0);
  }

  get isDone() {
    return this.chosen !== null || this.count("done") === this.items.length;
  }

  /** @returns {Chosen} */
  get asChosen() {
    return this.chosen ?? { name: this.name, files: this.items.length, size: this.size, ids: this.items.map(({ fileId }) => fileId) };
  }

  /** Write the row's facts again. */
  show() {
    const { words } = this;
    const files = this.chosen?.files ?? this.items.length;
    const facts = [];
    if (files > 1 || this.name.endsWith("/")) {
      facts.push(files === 1 ? words.fileOne : (words.fileMany ?? "").replace("%n", new Intl.NumberFormat().format(files)));
    }
    const failed = this.items.filter(({ state }) => state === "failed");
    const isPaused = this.count("paused") > 0;
    facts.push(this.isDone ? sizeText(this.size) : (words.of ?? "").replace("%a", sizeText(this.sent)).replace("%b", sizeText(this.size)));
    if (this.isDone) facts.push(words.done);
    else if (failed.length) facts.push(words.failed);
    else if (isPaused) facts.push(words.paused);
    else if (this.count("sending") === 0) facts.push(words.waiting);
    find(this.element, "[data-facts]").replaceChildren(
      ...facts.map((fact) => Object.assign(document.createElement("span"), { textContent: fact ?? "" })),
    );
    const bar = find(this.element, "progress", HTMLProgressElement);
    bar.hidden = this.isDone;
    bar.value = this.size ? this.sent / this.size : 0;
    bar.setAttribute("aria-label", this.name);
    const [first] = failed;
    const more = first && files > 1 ? `${first.path}: ` : "";
    find(this.element, "[data-error]").textContent = first ? `${more}${first.error}` : "";
    const go = find(this.element, "[data-go]");
    go.hidden = this.isDone;
    go.textContent = (failed.length ? words.retry : isPaused ? words.resume : words.pause) ?? "";
    go.setAttribute("aria-label", `${go.textContent} ${this.name}`);
  }
}
