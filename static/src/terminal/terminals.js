/* <headnode-terminals>: shells in tabs, in a panel of a page or filling a window.
 *
 * Attributes: data-create-url, data-target (JSON: what a session is asked for with, {"job": "Ab12cd"}), data-node (where
 * the first shell opens), data-name (what the shells belong to), data-nodes-url (optional: lists the nodes), data-page-url
 * (a terminal in a window of its own; "NODE" stands for the node), data-panel (a part of a page, not a window), data-socket
 * (the websocket of somebody else's shell: it is shown, nothing can be opened or ended here).
 * The element dispatches "headnode:empty" when the last tab of a panel was closed.
 */
import { begin } from "./arrivals.js";
import { confirm } from "./dialogs.js";
import { handoverHash } from "./handover.js";
import { part, word } from "./kit.js";
import { modeSequence } from "./modes.js";
import { Remembered } from "./remembered.js";
import { Toolbar } from "./toolbar.js";

// Whether something runs cannot be known; that nothing was typed or printed for so long says it well enough.
const QUIET_MILLISECONDS = 10_000;

export class HeadnodeTerminals extends HTMLElement {
  front = null;

  connectedCallback() {
    if (this.toolbar) return;
    const { createUrl, target, node, name, nodesUrl, pageUrl, socket } = this.dataset;
    this.place = { createUrl, target: JSON.parse(target || "{}"), node, name, nodesUrl, pageUrl, socket };
    this.isPanel = "panel" in this.dataset;
    this.remembered = new Remembered(`${window.location.pathname}${this.isPanel ? "#panel" : ""}`);
    this.stack = part("stack");
    this.toolbar = new Toolbar(this);
    this.tabs = this.toolbar.tabs;
    this.prepend(this.toolbar.bar, this.stack);
    this.begun = begin(this);
  }

  /** The terminals in the order of their tabs. */
  get panels() {
    return this.tabs.panels;
  }

  /** Ids of the shells shown here. */
  get sessionIds() {
    return this.panels.map((terminal) => terminal.session?.id);
  }

  /** Open a shell on `node` in a tab of its own. */
  async open(node = this.place.node) {
    const terminal = this.add(node);
    await this.choose(terminal);
    if (terminal.isConnected) await terminal.newShell();
    this.remember();
    return terminal;
  }

  /** Take up a shell that is open elsewhere; a fresh one in front makes room for it if nobody typed in it. */
  async takeUp(session) {
    const { front } = this;
    const replaces = front && !front.typed && !front.takenUp && front.session;
    const terminal = this.add(session.node);
    terminal.takenUp = true;
    await this.choose(terminal);
    terminal.attach(session);
    if (replaces) await this.#closeNow(front);
    this.remember();
  }

  /** Make a tab; its terminal has no shell yet. */
  add(node, { name = "", size = null } = {}) {
    this.stack.querySelector("[data-part=empty]")?.remove();
    const terminal = document.createElement("headnode-terminal");
    terminal.hidden = true;
    this.stack.append(terminal);
    const { createUrl, target, name: whole, socket } = this.place;
    const label = node === whole ? whole : word("node-of", { node, name: whole });
    const { cols, rows } = size ?? this.front?.terminal ?? {};
    terminal.build({ createUrl, target, node, label, isGuest: Boolean(socket) }, cols ? { cols, rows } : {});
    this.tabs.add(terminal, name || this.#freeName(node));
    return terminal;
  }

  /** Bring a tab to the front. */
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

  /** Bring a tab to the front to type in it. A phone's keyboard comes only when it is asked for. */
  async enter(terminal) {
    await this.choose(terminal);
    if (!window.matchMedia("(pointer: coarse)").matches) terminal.terminal.focus();
  }

  /** Close a tab and end its shell, after a question if it was used just now. */
  async close(terminal) {
    const { usedAt, typed, dataset } = terminal;
    const isFullScreen = terminal.terminal.buffer.active.type === "alternate";
    const isBusy = typed && !this.place.socket && (isFullScreen || performance.now() - usedAt < QUIET_MILLISECONDS);
    if (isBusy && !["ended", "refused"].includes(dataset.state)) {
      const title = word("close-title", { name: terminal.tabName });
      if (!(await confirm(title, word("close-text"), word("close-button")))) {
        terminal.terminal.focus();
        return;
      }
    }
    await this.#closeNow(terminal);
  }

  /** Close every tab, for a panel that goes. Answers whether all are closed. */
  async closeAll() {
    for (const terminal of this.panels) await this.close(terminal);
    return this.panels.length === 0;
  }

  /** Move a shell to a window of its own. */
  popOut(terminal) {
    if (terminal.session?.state !== "open") return;
    const { node } = terminal.place;
    const page = this.place.pageUrl.replace("NODE", encodeURIComponent(node));
    const url = page + handoverHash(terminal.session.id, terminal.tabName);
    window.open(url, "_blank", "noopener,popup,width=1000,height=640");
  }

  /** Go to the next tab (1) or the one before (-1). */
  step(by) {
    const { panels } = this;
    return this.choose(panels[(panels.indexOf(this.front) + by + panels.length) % panels.length]);
  }

  rename(terminal, name) {
    if (name) this.tabs.name(terminal, name);
    this.toolbar.showTitle();
    this.remember();
  }

  /** Take a tab away without a word to its shell. */
  remove(terminal) {
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

  /** Keep for a page that is loaded again which shells are here. */
  remember() {
    if (this.place.socket) return;
    const live = this.panels.filter(({ session }) => session && session.state !== "ended");
    this.remembered.write(
      live.map(({ session, place, tabName, terminal }, index) => ({
        session: session.id, node: place.node, name: tabName,
        modes: modeSequence(terminal), active: live[index] === this.front,
      })),
    );
  }

  async #closeNow(terminal) {
    const closing = terminal.close();
    this.remove(terminal);
    await closing;
  }

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
    empty.querySelector("button").addEventListener("click", () => this.open());
    this.stack.append(empty);
  }
}
