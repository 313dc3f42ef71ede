/* The menu of a set of terminals: preferences, and actions for the shell in front. */
import { announce, find } from "../dom.js";
import { part, wire, word } from "./kit.js";
import { followExpanded, moveByArrows, openBelow } from "./popover.js";
import { MAC } from "./platform.js";
import { preferences } from "./preferences.js";

export class Menu {
  /**
   * @param {HTMLElement} button opens the menu
   * @param {(name: string) => void} act does what was chosen
   */
  constructor(button, act) {
    this.menu = part("menu");
    this.size = find(this.menu, "[data-size]");
    find(this.menu, "[data-mac]").hidden = !MAC;
    button.after(this.menu);
    button.addEventListener("click", () => openBelow(this.menu, button));
    moveByArrows(this.menu);
    followExpanded(button, this.menu);
    wire(this.menu, {
      act: (_, pressed) => {
        if (!("stays" in pressed.dataset)) this.menu.hidePopover();
        act(pressed.dataset.action ?? "");
      },
    });
    this.menu.addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) this.#choose(target);
    });
    preferences.addEventListener("change", () => this.#show());
    this.#show();
  }

  /** @param {HTMLInputElement | HTMLSelectElement} field */
  #choose(field) {
    const value = field instanceof HTMLInputElement && field.type === "checkbox" ? field.checked : field.value;
    preferences.set(preferenceOf(field), value);
    if (field.name === "terminal-screenReader") announce(word(value ? "reader-on" : "reader-off"));
  }

  #show() {
    this.size.textContent = `${preferences.fontSize}`;
    const fields = this.menu.querySelectorAll("input, select");
    for (const field of /** @type {NodeListOf<HTMLInputElement | HTMLSelectElement>} */ (fields)) {
      const value = preferences.get(preferenceOf(field));
      if (field instanceof HTMLSelectElement) field.value = String(value);
      else field.checked = field.type === "radio" ? field.value === value : Boolean(value);
    }
  }
}

/**
 * Return the name of the preference that a field of the menu sets: "terminal-bell" -> "bell".
 *
 * @param {HTMLInputElement | HTMLSelectElement} field
 */
function preferenceOf(field) {
  return /** @type {keyof import("./preferences.js").Values} */ (field.name.replace("terminal-", ""));
}
