/* Where the next shell opens: on a node, or one that is open already, here or on another device. */
import { nodesUp, openSessions } from "./api.js";
import { part } from "./kit.js";
import { moveByArrows, openBelow } from "./popover.js";
import { since } from "./since.js";

export class Chooser {
  /** `place`: {createUrl, target, nodesUrl, node}; `here()`: ids of the shells of this page. */
  constructor(button, place, here, { open, takeUp }) {
    this.place = place;
    this.here = here;
    this.menu = part("chooser");
    this.open = open;
    this.takeUp = takeUp;
    this.nodes = this.menu.querySelector("[data-nodes]");
    this.shells = this.menu.querySelector("[data-shells]");
    button.after(this.menu);
    moveByArrows(this.menu);
    button.addEventListener("click", () => this.#press(button));
    this.menu.addEventListener("toggle", (event) => {
      button.setAttribute("aria-expanded", String(event.newState === "open"));
    });
  }

  async #press(button) {
    if (this.menu.matches(":popover-open")) return this.menu.hidePopover();
    const [nodes, sessions] = await Promise.all([this.#nodeNames(), this.#elsewhere()]);
    if (nodes.length < 2 && sessions.length === 0) return this.open(nodes[0] ?? this.place.node);
    this.nodes.replaceChildren(...nodes.map((node) => this.#item("terminal", node, "", () => this.open(node))));
    this.shells.replaceChildren(
      ...sessions.map((session) => {
        return this.#item("play", session.node, since(session.openedAt), () => this.takeUp(session));
      }),
    );
    this.menu.querySelector("[data-elsewhere]").hidden = sessions.length === 0;
    return openBelow(this.menu, button);
  }

  async #nodeNames() {
    if (!this.place.nodesUrl) return [this.place.node];
    // When the portal does not answer, the shell asked for says so.
    const up = await nodesUp(this.place.nodesUrl).catch(() => []);
    return up.length ? up : [this.place.node];
  }

  async #elsewhere() {
    const { createUrl, target } = this.place;
    const open = await openSessions(createUrl, target).catch(() => []);
    const here = this.here();
    return open.filter((session) => !here.includes(session.id));
  }

  #item(icon, name, detail, action) {
    const item = part("chooser-item");
    const use = item.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
    item.querySelector("[data-name]").textContent = name;
    item.querySelector("[data-detail]").textContent = detail;
    item.addEventListener("click", () => {
      this.menu.hidePopover();
      action();
    });
    return item;
  }
}
