/* The line above the screens: tabs, the button for a new shell, signs, the menu; and the keys that do the same. */
import { addContextMenu } from "./context_menu.js";
import { Chooser } from "./chooser.js";
import { doAction } from "./actions.js";
import { part } from "./kit.js";
import { Menu } from "./menu.js";
import { actionOf } from "./shortcuts.js";
import { Tabs } from "./tabs.js";
import { followViewport } from "./viewport.js";

export class Toolbar {
  /** `set` is the <headnode-terminals> it belongs to. */
  constructor(set) {
    this.set = set;
    this.bar = part("toolbar");
    this.pageTitle = document.title;
    const find = (name) => this.bar.querySelector(`[data-${name}]`);
    this.indicators = find("indicators");
    this.act = (action) => void doAction(set, action);
    this.tabs = new Tabs(this.bar.querySelector("[role=tablist]"), {
      choose: (terminal) => set.choose(terminal),
      enter: (terminal) => set.enter(terminal),
      close: (terminal) => set.close(terminal),
      rename: (terminal) => set.choose(terminal).then(() => this.act("rename")),
    });
    this.bar.addEventListener("click", ({ target }) => {
      const pressed = target.closest?.("[data-toolbar-action]");
      if (pressed) this.act(pressed.dataset.toolbarAction);
    });
    new Menu(find("menu-button"), this.act);
    new Chooser(find("new-shell"), set.place, () => set.sessionIds, {
      open: (node) => set.open(node),
      takeUp: (session) => set.takeUp(session),
    });
    find("home").hidden = set.isPanel || !set.dataset.homeUrl;
    find("home").href = set.dataset.homeUrl ?? "";
    find("close-panel").hidden = !set.isPanel;
    this.bar.classList.toggle("is-visit", Boolean(set.place.socket));
    addContextMenu(set, () => set.front, this.act);
    this.#listen(set);
    if (!set.isPanel) followViewport(set);
  }

  /** Show what belongs to the terminal in front; null: there is none. */
  choose(terminal) {
    this.bar.classList.toggle("is-empty", !terminal);
    this.indicators.replaceChildren(...(terminal ? [terminal.indicators.box] : []));
    if (terminal) this.tabs.choose(terminal);
    this.showTitle();
  }

  /** A window is called like the shell in front. */
  showTitle() {
    const { front, isPanel, place } = this.set;
    if (isPanel) return;
    const name = front?.shellTitle || front?.tabName;
    document.title = front ? [...new Set([name, place.name])].join(" · ") : this.pageTitle;
  }

  #listen(set) {
    const changes = {
      "headnode:state": ({ target, detail }) => {
        this.tabs.mark(target, detail);
        set.remember();
      },
      "headnode:title": ({ target, detail }) => {
        target.shellTitle = detail;
        this.tabs.name(target, target.tabName);
        this.showTitle();
      },
      "headnode:bell": ({ target }) => this.tabs.call(target, "rang"),
    };
    for (const [name, heard] of Object.entries(changes)) set.addEventListener(name, heard);
    // Before xterm.js sees them.
    set.addEventListener("keydown", (event) => this.#key(event), true);
    set.addEventListener("wheel", (event) => this.#wheel(event), { capture: true, passive: false });
    window.addEventListener("pagehide", () => set.remember());
  }

  #key(event) {
    const action = actionOf(event);
    if (!action || !this.set.front) return;
    event.stopPropagation();
    if (action === "native-paste") return; // the browser pastes by itself, past xterm.js
    event.preventDefault();
    this.act(action);
  }

  #wheel(event) {
    if (!event.ctrlKey || !event.target.closest?.(".hn-screen")) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(event.deltaY < 0 ? "larger" : "smaller");
  }
}
