/* Small signs above a terminal: recorded, shared, watched, view only. A sign that appears or changes is read out. */

export class Indicators {
  constructor() {
    this.box = document.createElement("div");
    this.box.className = "hn-signs-own";
    this.box.role = "group";
    this.box.ariaLabel = "About this shell";
  }

  /** Show or change the sign of that name; with `action` it is a button. */
  set(name, { text, tone = "note", icon = "", title = "", action = null }) {
    const before = this.#find(name);
    if (before && before.textContent === text && before.title === title) return;
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
    if (before?.textContent !== text) document.getElementById("announcer")?.replaceChildren(title || text);
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
    const icon = document.getElementById("sharing-kit").content.querySelector("[data-part=icon]").cloneNode(true);
    const use = icon.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
    return icon;
  }
}
