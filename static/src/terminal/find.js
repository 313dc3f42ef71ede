/* Search in the scrollback of a terminal. */
import { find } from "../dom.js";
import { part, wire, word } from "./kit.js";
import { preferences } from "./preferences.js";
import { marks, theme } from "./themes.js";

export class FindBar {
  /**
   * @param {import("@xterm/addon-search").SearchAddon} search
   * @param {() => void} focus gives the focus back to the terminal
   */
  constructor(search, focus) {
    this.search = search;
    this.focus = focus;
    this.bar = part("find");
    this.field = find(this.bar, "input", HTMLInputElement);
    this.found = find(this.bar, "output");
    wire(this.bar, {
      previous: () => this.#find(false),
      next: () => this.#find(true),
      close: () => this.close(),
      option: (_, button) => this.#toggle(button),
    });
    this.field.addEventListener("input", () => this.#find(true, true));
    this.bar.addEventListener("keydown", (event) => this.#key(event));
    search.onDidChangeResults(({ resultIndex, resultCount }) => this.#count(resultIndex, resultCount));
  }

  /**
   * Open the bar and search for the selection if it is one line.
   *
   * @param {string} selection
   */
  open(selection = "") {
    this.bar.hidden = false;
    if (selection && !selection.includes("\n")) this.field.value = selection;
    this.field.select();
    this.field.focus();
    if (this.field.value) this.#find(true, true);
  }

  close() {
    this.bar.hidden = true;
    this.search.clearDecorations();
    this.focus();
  }

  /** @param {HTMLElement} button */
  #toggle(button) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    this.search.clearDecorations(); // the addon (0.16) does not search again when only the options change
    this.#find(true, true);
  }

  /** @param {string} option */
  #isOn(option) {
    return find(this.bar, `[data-option="${option}"]`).getAttribute("aria-pressed") === "true";
  }

  /** @param {boolean} forward */
  #find(forward, incremental = false) {
    const text = this.field.value;
    const options = {
      caseSensitive: this.#isOn("case"),
      regex: this.#isOn("regex"),
      decorations: marks(theme(preferences.get("colours"))),
      incremental,
    };
    this.field.setAttribute("aria-invalid", "false");
    if (!text) {
      this.search.clearDecorations();
      this.found.textContent = "";
    } else if (options.regex && !isPattern(text)) {
      this.search.clearDecorations();
      this.field.setAttribute("aria-invalid", "true");
      this.found.textContent = word("bad-pattern");
    } else if (forward) {
      this.search.findNext(text, options);
    } else {
      this.search.findPrevious(text, options);
    }
  }

  /** @param {number} index @param {number} total */
  #count(index, total) {
    if (!this.field.value) this.found.textContent = "";
    else if (total === 0) this.found.textContent = word("no-match");
    else this.found.textContent = index < 0 ? word("matches", { n: total }) : word("match", { i: index + 1, n: total });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter" && event.target === this.field) {
      event.preventDefault();
      this.#find(!event.shiftKey);
    }
  }
}

/** @param {string} text */
function isPattern(text) {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}
