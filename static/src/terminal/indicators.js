/* Small signs in the toolbar about one shell: recorded, shared, watched, view only.
 *
 * Each terminal has its own as `terminal.indicators`; the toolbar shows those of the shell in front. A module registers
 * itself in extensions.js and then calls, for example:
 *
 *   terminal.indicators.set("recording", { text: "Recorded", tone: "bad", title: "Output is recorded" });
 *   terminal.indicators.set("watchers", { text: "2 watching", icon: "user", action: () => openList() });
 *   terminal.indicators.clear("watchers");
 *
 * A sign that appears or changes is read out, unless it is `quiet`.
 */
import { announce, findAll } from "../dom.js";
import { chooseIcon, part } from "./kit.js";

/**
 * @typedef {object} Sign
 * @property {string} text always shown: colour alone says nothing
 * @property {"note" | "good" | "busy" | "bad"} [tone]
 * @property {string} [icon] a name of icons.svg
 * @property {string} [title] the whole sentence
 * @property {(() => void) | null} [action] makes it a button
 * @property {boolean} [quiet]
 */

export class Indicators {
  constructor() {
    this.box = part("indicators");
  }

  /**
   * Show or change the sign of that name.
   *
   * @param {string} name
   * @param {Sign} sign
   */
  set(name, { text, tone = "note", icon = "", title = "", action = null, quiet = false }) {
    const sign = action ? button(action) : document.createElement("span");
    sign.className = `hn-sign is-${tone}`;
    sign.dataset.name = name;
    if (title) sign.title = title;
    if (icon) sign.append(this.#icon(icon));
    sign.append(text);
    const before = this.#find(name);
    if (!quiet && before?.textContent !== sign.textContent) announce(title || text);
    if (before) before.replaceWith(sign);
    else this.box.append(sign);
  }

  /** @param {string} name */
  clear(name) {
    this.#find(name)?.remove();
  }

  /** @param {string} name */
  #find(name) {
    return findAll(this.box, ":scope > *").find((sign) => sign.dataset.name === name);
  }

  /** @param {string} name */
  #icon(name) {
    const icon = part("icon", SVGElement);
    chooseIcon(icon, name);
    return icon;
  }
}

/** @param {() => void} action */
function button(action) {
  const made = document.createElement("button");
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}
