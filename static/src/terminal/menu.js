/* The menu of a set of terminals: looks, helps, and what can be done with the shell in front. */
import { announce, part, wire, word } from "./kit.js";
import { moveByArrows, openBelow } from "./popover.js";
import { preferences } from "./preferences.js";

export class Menu {
  /** `act(name)` does what shortcuts.js and the menu name; `button` opens it. */
  constructor(button, act) {
    this.menu = part("menu");
    this.size = this.menu.querySelector("[data-size]");
    button.after(this.menu);
    button.addEventListener("click", () => openBelow(this.menu, button));
    moveByArrows(this.menu);
    this.menu.addEventListener("toggle", (event) => {
      button.setAttribute("aria-expanded", String(event.newState === "open"));
    });
    wire(this.menu, {
      act: (_, pressed) => {
        if (!("stays" in pressed.dataset)) this.menu.hidePopover();
        act(pressed.dataset.action);
      },
    });
    this.menu.addEventListener("change", ({ target }) => this.#choose(target));
    preferences.addEventListener("change", () => this.#show());
    this.#show();
  }

  #choose(field) {
    const value = field.type === "checkbox" ? field.checked : field.value;
    preferences.set(field.name.replace("terminal-", ""), value);
    if (field.name === "terminal-screenReader") announce(word(value ? "reader-on" : "reader-off"));
  }

  #show() {
    this.size.textContent = `${preferences.fontSize}`;
    for (const field of this.menu.querySelectorAll("input, select")) {
      const value = preferences.get(field.name.replace("terminal-", ""));
      if (field.type === "radio") field.checked = field.value === value;
      else if (field.type === "checkbox") field.checked = value;
      else field.value = value;
    }
  }
}
