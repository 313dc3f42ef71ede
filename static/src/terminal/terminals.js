/* <headnode-terminals>: shells in tabs, in a panel of a page or filling a window.
 *
 * Attributes: data-create-url, data-target (JSON, sent with the request for a session: {"job": "Ab12cd"}), data-node (of the
 * first shell), data-name (what the shells belong to), data-nodes-url (optional: lists the nodes), data-page-url (a terminal
 * in a window of its own; "NODE" stands for the node), data-panel (a part of a page, not a window), data-socket (the
 * websocket of somebody else's shell: it is shown, nothing can be opened or ended here).
 * The element dispatches "headnode:empty" when the last tab of a panel was closed.
 */
import { find } from "../dom.js";
import { begin } from "./arrivals.js";
import { confirm } from "./dialogs.js";
import { QUIET_MILLISECONDS } from "./foreground.js";
import { handoverHash } from "./handover.js";
import { part, word } from "./kit.js";
import { askBeforeLeaving } from "./leaving.js";
import { Remembered } from "./remembered.js";
import { Toolbar } from "./toolbar.js";

/**
 * @typedef {object} Place
 * @property {string} createUrl
 * @property {import("./api.js").Target} target
 * @property {string} node
 * @property {string} name
 * @property {string | undefined} nodesUrl
 * @property {string | undefined} pageUrl
 * @property {string | undefined} socket
 */
/** @typedef {import("./element.js").HeadnodeTerminal} HeadnodeTerminal */

export class HeadnodeTerminals extends HTMLElement {
  /** @type {HeadnodeTerminal | null} */
  front = null;
  /** @type {Place} */
  place;
  isPanel = false;
  /** @type {Remembered} */
  remembered;
  /** @type {HTMLElement} */
  stack;
  /** @type {Toolbar} */
  toolbar;
  /** @type {import("./tabs.js").Tabs} */
  tabs;
  /** @type {Promise<void> | undefined} */
  begun = undefined;

  connectedCallback() {
    if (this.begun) return;
    const { createUrl = "", target, node = "", name = "", nodesUrl, pageUrl, socket } = this.dataset;
    this.place = { createUrl, target: JSON.parse(target || "{}"), node, name, nodesUrl, pageUrl, socket };
    this.isPanel = "panel" in this.dataset;
    this.remembered = new Remembered(`${window.location.pathname}${this.isPanel ? "#panel" : ""}`);
    this.stack = part("stack");
    this.toolbar = new Toolbar(this);
    this.tabs = this.toolbar.tabs;
    this.prepend(this.toolbar.bar, this.stack);
    this.begun = begin(this);
    askBeforeLeaving(() => this.panels.some((panel) => panel.isOwnAndOpen && panel.foreground.isBusy(panel)));
  }

  /** The terminals in the order of their tabs. */
  get panels() {
    return this.tabs.panels;
  }

  /** Ids of the shells shown here. */
  get sessionIds() {
    return this.panels.map((terminal) => terminal.session?.id);
  }

  /**
   * Open a shell in a tab of its own.
   *
   * @param {string} node
   */
  async open(node = this.place.node) {
    const terminal = this.add(node);
    await this.choose(terminal);
    if (terminal.isConnected) await terminal.newShell();
    this.remember();
    return terminal;
  }

  /**
   * Attach to a shell that is open elsewhere. It replaces a new shell in front in which nobody typed.
   *
   * @param {import("./api.js").SessionRow} session
   */
  async takeUp(session) {
    const { front } = this;
    const replaces = front && !front.typed && !front.takenUp && front.session;
    const terminal = this.add(session.node);
    terminal.takenUp = true;
    await this.choose(terminal);
    terminal.attach(session);
    if (front && replaces) await this.#closeNow(front);
    this.remember();
  }

  /**
   * Make a tab whose terminal has no shell yet.
   *
   * @param {string} node
   * @param {object} [options]
   * @param {string} [options.name]
   * @param {import("./session.js").Size | null} [options.size]
   */
  add(node, { name = "", size = null } = {}) {
    this.stack.querySelector("[data-part=empty]")?.remove();
    const terminal = document.createElement("headnode-terminal");
    terminal.hidden = true;
    this.stack.append(terminal);
    const { createUrl, target, name: whole, socket } = this.place;
    const label = node === whole ? whole : word("node-of", { node, name: whole });
    const held = size ?? this.front?.terminal;
    const isGuest = Boolean(socket);
    terminal.build({ createUrl, target, node, label, isGuest }, held ? { cols: held.cols, rows: held.rows } : {});
    this.tabs.add(terminal, name || this.#freeName(node));
    return terminal;
  }

  /**
   * Bring a tab to the front.
   *
   * @param {HeadnodeTerminal} terminal
   */
  async choose(terminal) {
    const before = this.front;
    this.front = terminal;
    if (before && before !== terminal) {
      before.hidden = true;
      before.screen?.hide();
    }
    terminal.hidden = false;
    this.toolbar.choose(terminal);
    await terminal.show();
    if (this.front !== terminal || !terminal.isConnected) return;
    if (!this.tabs.strip.contains(document.activeElement)) terminal.terminal.focus();
    this.remember();
  }

  /**
   * Bring a tab to the front to type in it. On a phone it does not get the focus, which would open the keyboard.
   *
   * @param {HeadnodeTerminal} terminal
   */
  async enter(terminal) {
    await this.choose(terminal);
    if (!window.matchMedia("(pointer: coarse)").matches) terminal.terminal.focus();
  }

  /**
   * Close a tab and end its shell. Ask first if it was just used.
   *
   * @param {HeadnodeTerminal} terminal
   */
  async close(terminal) {
    const { usedAt, typed } = terminal;
    const wasUsed = typed && performance.now() - usedAt < QUIET_MILLISECONDS;
    if (terminal.isOwnAndOpen && (wasUsed || terminal.foreground.isBusy(terminal))) {
      const title = word("close-title", { name: terminal.tabName });
      if (!(await confirm(title, word("close-text"), word("close-button")))) {
        terminal.terminal.focus();
        return;
      }
    }
    await this.#closeNow(terminal);
  }

  /** Close every tab. Resolve to whether all are closed. */
  async closeAll() {
    for (const terminal of this.panels) await this.close(terminal);
    return this.panels.length === 0;
  }

  /**
   * Move a shell to a window of its own.
   *
   * @param {HeadnodeTerminal} terminal
   */
  popOut(terminal) {
    const { pageUrl } = this.place;
    if (!pageUrl || terminal.session?.state !== "open") return;
    const { node } = terminal.place;
    const page = pageUrl.replace("NODE", encodeURIComponent(node));
    const url = page + handoverHash(terminal.session.id ?? "", terminal.tabName);
    window.open(url, "_blank", "noopener,popup,width=1000,height=640");
  }

  /**
   * Go to the next tab (1) or the one before (-1).
   *
   * @param {1 | -1} by
   */
  async step(by) {
    const { front, panels } = this;
    if (front) await this.choose(panels[(panels.indexOf(front) + by + panels.length) % panels.length]);
  }

  /** @param {HeadnodeTerminal} terminal @param {string | null} name null: keep the one it has */
  rename(terminal, name) {
    if (name) this.tabs.name(terminal, name);
    this.toolbar.showTitle();
    this.remember();
  }

  /**
   * Remove a tab. Its shell is not ended.
   *
   * @param {HeadnodeTerminal} terminal
   */
  removeTab(terminal) {
    const { panels } = this;
    const at = panels.indexOf(terminal);
    const next = panels[at + 1] ?? panels[at - 1];
    this.tabs.remove(terminal);
    terminal.remove();
    if (this.front === terminal) {
      this.front = null;
      if (next) void this.choose(next);
    }
    this.remember();
    if (!next) this.#empty();
  }

  /** Store which shells are here, for a page that is loaded again. */
  remember() {
    if (this.place.socket) return;
    this.remembered.write(
      this.panels.flatMap((panel) => {
        const { session, place, tabName } = panel;
        if (!session?.id || session.state === "ended") return [];
        const active = panel === this.front;
        return [{ session: session.id, node: place.node, name: tabName, active }];
      }),
    );
  }

  /** @param {HeadnodeTerminal} terminal */
  async #closeNow(terminal) {
    const closing = terminal.close();
    this.removeTab(terminal);
    await closing;
  }

  /** @param {string} node */
  #freeName(node) {
    const taken = new Set(this.panels.map((terminal) => terminal.tabName));
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? node : `${node} ${number}`;
      if (!taken.has(name)) return name;
    }
  }

  #empty() {
    this.toolbar.choose(null);
    if (this.isPanel) {
      this.dispatchEvent(new Event("headnode:empty"));
      return;
    }
    const empty = part("empty");
    find(empty, "button").addEventListener("click", () => void this.open());
    this.stack.append(empty);
  }
}
