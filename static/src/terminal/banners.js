/* Sentences above the screen: notices of the portal, questions, offers. */
import { find, findAll } from "../dom.js";
import { part } from "./kit.js";

const MOST = 3;

export class Banners {
  constructor() {
    this.box = part("banners");
  }

  /**
   * Show a sentence under a name. It replaces the one that has this name already.
   *
   * @param {string} name
   * @param {string} sentence
   * @param {object} [options]
   * @param {[string, () => void][]} [options.actions] buttons: the text and what it does; the likeliest first
   * @param {"note" | "busy"} [options.tone]
   * @param {boolean} [options.lasting] false: it goes after six seconds
   */
  show(name, sentence, { actions = [], tone = "note", lasting = true } = {}) {
    const banner = part("banner");
    banner.dataset.name = name;
    banner.classList.add(`is-${tone}`);
    find(banner, "[data-text]").textContent = sentence;
    const buttons = actions.map(([text, action]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-small";
      button.textContent = text;
      button.addEventListener("click", action);
      return button;
    });
    find(banner, "[data-actions]").replaceChildren(...buttons);
    find(banner, "[data-dismiss]").addEventListener("click", () => this.remove(name));
    const before = this.#find(name);
    if (before) before.replaceWith(banner);
    else this.box.append(banner);
    while (this.box.children.length > MOST) this.box.firstElementChild?.remove();
    if (!lasting) setTimeout(() => banner.remove(), 6000);
  }

  /** @param {string} name */
  remove(name) {
    const found = this.#find(name);
    const hadFocus = found?.contains(document.activeElement);
    found?.remove();
    if (hadFocus) this.box.dispatchEvent(new CustomEvent("headnode:give-focus", { bubbles: true }));
  }

  /** @param {string} name */
  #find(name) {
    return findAll(this.box, ":scope > *").find((banner) => banner.dataset.name === name);
  }
}
