/* Sentences above the screen: notices of the portal, questions, offers. The terminal's own text stays the shell's. */
import { part } from "./kit.js";

const MOST = 3;

export class Banners {
  constructor() {
    this.box = part("banners");
  }

  /** Show a sentence under a name; the same name replaces. `actions`: [[text, action]], the first the likeliest. */
  show(name, sentence, { actions = [], tone = "note", lasting = true } = {}) {
    const banner = part("banner");
    banner.dataset.name = name;
    banner.classList.add(`is-${tone}`);
    banner.querySelector("[data-text]").textContent = sentence;
    const buttons = actions.map(([text, action]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-small";
      button.textContent = text;
      button.addEventListener("click", action);
      return button;
    });
    banner.querySelector("[data-actions]").replaceChildren(...buttons);
    banner.querySelector("[data-dismiss]").addEventListener("click", () => this.remove(name));
    const before = this.#find(name);
    if (before) before.replaceWith(banner);
    else this.box.append(banner);
    while (this.box.children.length > MOST) this.box.firstElementChild.remove();
    if (!lasting) setTimeout(() => banner.remove(), 6000);
    return banner;
  }

  remove(name) {
    const found = this.#find(name);
    const hadFocus = found?.contains(document.activeElement);
    found?.remove();
    if (hadFocus) this.box.dispatchEvent(new CustomEvent("headnode:give-focus", { bubbles: true }));
  }

  #find(name) {
    return [...this.box.children].find((banner) => banner.dataset.name === name);
  }
}
