/* The menu for a new shell: on a node, or one that is open already in another window or on another device. */
import { find } from "../dom.js";
import { nodesUp, openSessions } from "./api.js";
import { chooseIcon, part } from "./kit.js";
import { followExpanded, moveByArrows, openBelow } from "./popover.js";
import { since } from "./since.js";

/** @typedef {import("./api.js").SessionRow} SessionRow */

export class Chooser {
  /**
   * @param {HTMLElement} button
   * @param {import("./terminals.js").Place} place
   * @param {() => (string | null | undefined)[]} here returns the ids of the shells of this page
   * @param {object} actions
   * @param {(node: string) => unknown} actions.open
   * @param {(session: SessionRow) => unknown} actions.takeUp
   */
  constructor(button, place, here, { open, takeUp }) {
    this.place = place;
    this.here = here;
    this.menu = part("chooser");
    this.open = open;
    this.takeUp = takeUp;
    this.nodes = find(this.menu, "[data-nodes]");
    this.shells = find(this.menu, "[data-shells]");
    button.after(this.menu);
    moveByArrows(this.menu);
    button.addEventListener("click", () => void this.#press(button));
    followExpanded(button, this.menu);
  }

  /** @param {HTMLElement} button */
  async #press(button) {
    if (this.menu.matches(":popover-open")) {
      this.menu.hidePopover();
      return;
    }
    const [nodes, sessions] = await Promise.all([this.#nodeNames(), this.#elsewhere()]);
    if (nodes.length < 2 && sessions.length === 0) {
      this.open(nodes[0] ?? this.place.node);
      return;
    }
    this.nodes.replaceChildren(...nodes.map((node) => this.#item("terminal", node, "", () => this.open(node))));
    this.shells.replaceChildren(
      ...sessions.map((session) => {
        return this.#item("play", session.node, since(session.openedAt), () => this.takeUp(session));
      }),
    );
    find(this.menu, "[data-elsewhere]").hidden = sessions.length === 0;
    openBelow(this.menu, button);
  }

  async #nodeNames() {
    if (!this.place.nodesUrl) return [this.place.node];
    // When the portal does not respond, the new shell will show it.
    const up = await nodesUp(this.place.nodesUrl).catch(() => []);
    return up.length ? up : [this.place.node];
  }

  async #elsewhere() {
    const { createUrl, target } = this.place;
    const open = await openSessions(createUrl, target).catch(() => []);
    const here = this.here();
    return open.filter((session) => !here.includes(session.id));
  }

  /** @param {string} icon @param {string} name @param {string} detail @param {() => void} action */
  #item(icon, name, detail, action) {
    const item = part("chooser-item");
    chooseIcon(item, icon);
    find(item, "[data-name]").textContent = name;
    find(item, "[data-detail]").textContent = detail;
    item.addEventListener("click", () => {
      this.menu.hidePopover();
      action();
    });
    return item;
  }
}
