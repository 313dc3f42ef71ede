/* The line above the screens: tabs, the button for a new shell, signs and the menu; and the keyboard shortcuts. */
import { closest, find } from "../dom.js";
import { addContextMenu } from "./context_menu.js";
import { Chooser } from "./chooser.js";
import { doAction } from "./actions.js";
import { part } from "./kit.js";
import { Menu } from "./menu.js";
import { actionOf } from "./shortcuts.js";
import { Tabs } from "./tabs.js";
import { followViewport } from "./viewport.js";

/** @typedef {import("./terminals.js").HeadnodeTerminals} HeadnodeTerminals */
/** @typedef {import("./element.js").HeadnodeTerminal} HeadnodeTerminal */

export class Toolbar {
  /** @param {HeadnodeTerminals} set the element it belongs to */
  constructor(set) {
    this.set = set;
    this.bar = part("toolbar");
    this.pageTitle = document.title;
    this.indicators = find(this.bar, "[data-indicators]");
    /** @param {string} action */
    this.act = (action) => void doAction(set, action);
    this.tabs = new Tabs(find(this.bar, "[role=tablist]"), {
      choose: (terminal) => set.choose(terminal),
      enter: (terminal) => set.enter(terminal),
      close: (terminal) => set.close(terminal),
      rename: (terminal) => set.choose(terminal).then(() => this.act("rename")),
    });
    this.bar.addEventListener("click", (event) => {
      const pressed = closest(event, "[data-toolbar-action]");
      if (pressed) this.act(pressed.dataset.toolbarAction ?? "");
    });
    new Menu(find(this.bar, "[data-menu-button]"), this.act);
    new Chooser(find(this.bar, "[data-new-shell]"), set.place, () => set.sessionIds, {
      open: (node) => set.open(node),
      takeUp: (session) => set.takeUp(session),
    });
    const home = find(this.bar, "[data-home]", HTMLAnchorElement);
    home.hidden = set.isPanel || !set.dataset.homeUrl;
    home.href = set.dataset.homeUrl ?? "";
    find(this.bar, "[data-close-panel]").hidden = !set.isPanel;
    this.bar.classList.toggle("is-visit", Boolean(set.place.socket));
    addContextMenu(set, () => set.front, this.act);
    this.#listen(set);
    if (!set.isPanel) followViewport(set);
  }

  /**
   * Show what belongs to the terminal in front; null: there is none.
   *
   * @param {HeadnodeTerminal | null} terminal
   */
  choose(terminal) {
    this.bar.classList.toggle("is-empty", !terminal);
    this.indicators.replaceChildren(...(terminal ? [terminal.indicators.box] : []));
    if (terminal) this.tabs.choose(terminal);
    this.showTitle();
  }

  /** Give the window the title of the shell in front. */
  showTitle() {
    const { front, isPanel, place } = this.set;
    if (isPanel) return;
    const name = front?.shellTitle || front?.tabName;
    document.title = front ? [...new Set([name, place.name])].join(" · ") : this.pageTitle;
  }

  /** @param {HeadnodeTerminals} set */
  #listen(set) {
    set.addEventListener("headnode:state", ({ target, detail }) => {
      this.tabs.mark(/** @type {HeadnodeTerminal} */ (target), detail);
      set.remember();
    });
    set.addEventListener("headnode:title", ({ target, detail }) => {
      const terminal = /** @type {HeadnodeTerminal} */ (target);
      terminal.shellTitle = detail;
      this.tabs.name(terminal, terminal.tabName);
      this.showTitle();
    });
    set.addEventListener("headnode:bell", ({ target }) => this.tabs.ring(/** @type {HeadnodeTerminal} */ (target)));
    // Before xterm.js sees them.
    set.addEventListener("keydown", (event) => this.#key(event), true);
    set.addEventListener("wheel", (event) => this.#wheel(event), { capture: true, passive: false });
    window.addEventListener("pagehide", () => set.remember());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const action = actionOf(event);
    if (!action || !this.set.front) return;
    event.stopPropagation();
    if (action === "native-paste") return; // the browser pastes, without xterm.js
    event.preventDefault();
    this.act(action);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!event.ctrlKey || !closest(event, ".hn-screen")) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(event.deltaY < 0 ? "larger" : "smaller");
  }
}
