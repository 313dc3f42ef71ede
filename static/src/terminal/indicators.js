/* Small signs in the toolbar about one shell: recorded, shared, watched, view only.
 *
 * For the modules that know of such things. Each terminal has its own as `terminal.indicators`; the toolbar shows
 * those of the shell in front. A module registers itself in extensions.js and then says, for example:
 *
 *   terminal.indicators.set("recording", { text: "Recorded", tone: "bad", title: "Output is recorded" });
 *   terminal.indicators.set("watchers", { text: "2 watching", icon: "user", action: () => openList() });
 *   terminal.indicators.clear("watchers");
 *
 * `text` is always shown (colour alone says nothing); `tone`: note, good, busy, bad; `icon`: a name of icons.svg;
 * `title`: the whole sentence; with `action` it is a button. A sign that appears or changes is read out, unless `quiet`.
 */
import { announce, part } from "./kit.js";

export class Indicators {
  constructor() {
    this.box = part("indicators");
  }

  /** Show or change the sign of that name. */
  set(name, { text, tone = "note", icon = "", title = "", action = null, quiet = false }) {
    const sign = document.createElement(action ? "button" : "span");
    if (action) {
      sign.type = "button";
      sign.addEventListener("click", action);
    }
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

  clear(name) {
    this.#find(name)?.remove();
  }

  #find(name) {
    return [...this.box.children].find((sign) => sign.dataset.name === name);
  }

  #icon(name) {
    const icon = part("icon");
    const use = icon.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
    return icon;
  }
}
