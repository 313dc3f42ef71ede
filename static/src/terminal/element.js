/* <headnode-terminal>: one shell on a node, from asking for it to its end. Made and kept by <headnode-terminals>.
 *
 * Tests reach the screen as `element.terminal` (xterm.js), the connection as `element.session` and the state as
 * `element.dataset.state`. Removing the element from the page leaves the shell; `close()` ends it.
 * Events, all bubbling: "headnode:state", "headnode:title" (detail: text), "headnode:bell", "headnode:ready",
 * "headnode:frame".
 */
import { find } from "../dom.js";
import { createSession, endSession, Refusal } from "./api.js";
import { Banners } from "./banners.js";
import { addBell } from "./bell.js";
import { Boundary } from "./boundary.js";
import { Clipboard } from "./clipboard.js";
import { extensions } from "./extensions.js";
import { FindBar } from "./find.js";
import { Foreground } from "./foreground.js";
import { Indicators } from "./indicators.js";
import { KeysBar } from "./keys_bar.js";
import { part, word } from "./kit.js";
import { nudge } from "./nudge.js";
import { letProgramsCopy } from "./osc52.js";
import { plain } from "./plain.js";
import { ignoreQueries } from "./queries.js";
import { Screen } from "./screen.js";
import { Session } from "./session.js";
import { Status } from "./status.js";
import { StateDisplay } from "./state_display.js";

const encoder = new TextEncoder();
const MEGABYTE = 1024 * 1024;

/**
 * @typedef {object} Place
 * @property {string} createUrl
 * @property {import("./api.js").Target} target
 * @property {string} node
 * @property {string} label
 * @property {boolean} isGuest whether it is somebody else's shell
 */
/**
 * @typedef {object} Begin how a terminal that attaches begins
 * @property {number} [offset] everything before it is on the screen
 * @property {boolean} [isNew] the shell was just made
 */
/** @typedef {import("./session.js").Size} Size */

export class HeadnodeTerminal extends HTMLElement {
  /** @type {import("@xterm/xterm").Terminal} */
  terminal;
  /** @type {Session | null} */
  session = null;
  /** @type {Screen} */
  screen;
  /** @type {Place} */
  place;
  /** @type {Banners} */
  banners;
  /** @type {Indicators} */
  indicators;
  /** @type {Status} */
  status;
  /** @type {FindBar} */
  find;
  /** @type {KeysBar} */
  keys;
  /** @type {Clipboard} */
  clipboard;
  /** @type {StateDisplay} */
  stateDisplay;
  /** @type {Foreground} */
  foreground;
  boundary = new Boundary();
  tabName = "";
  shellTitle = ""; // what the shell calls its window
  usedAt = -Infinity;
  typed = false;
  takenUp = false; // the shell was open before
  readOnly = false;
  disposed = false;
  oldUntil = 0; // output before this offset was shown before
  incompleteUntil = 0; // what a full-screen program drew before this offset may be missing in part
  // Whether queries of programs get their reply from this window; the portal says which window replies.
  answers = true;

  /**
   * Build the terminal. Call it once, in the page.
   *
   * @param {Place} place
   * @param {Partial<Size>} size until it is shown
   */
  build(place, size) {
    this.place = place;
    const view = part("view");
    const box = find(view, ".hn-screen");
    box.ariaLabel = word("terminal-of", { label: place.label });
    this.banners = new Banners();
    this.indicators = new Indicators();
    this.status = new Status(place.label);
    this.append(this.banners.box, view);
    this.screen = new Screen(box, size);
    this.terminal = this.screen.terminal;
    this.foreground = new Foreground(this.terminal);
    this.find = new FindBar(this.screen.search, () => this.terminal.focus());
    this.keys = new KeysBar(this.terminal, (text) => this.#type(text));
    this.clipboard = new Clipboard(this.terminal, box, (sentence) => {
      this.banners.show("clipboard", sentence, { lasting: false });
    });
    view.append(this.find.bar);
    this.append(this.status.panel, this.status.bar, this.keys.bar);
    this.stateDisplay = new StateDisplay(this);
    this.#listen();
    for (const extend of extensions) extend(this);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected || this.disposed || !this.screen) return; // moved within the page, or never built
      this.session?.leave();
      this.stateDisplay.dispose();
      this.screen.dispose();
      this.session = null;
      this.disposed = true;
    });
  }

  /** Request a new shell. What the screen shows stays above it. */
  async newShell() {
    this.session?.leave();
    this.session = null;
    this.typed = false;
    this.foreground.reset();
    this.letType(true);
    this.screen.begin();
    this.stateDisplay.starting();
    const { cols, rows } = this.terminal;
    const { createUrl, target, node } = this.place;
    let made;
    try {
      const place = target.machine ? target : { ...target, node };
      made = await createSession(createUrl, { ...place, cols, rows });
    } catch (error) {
      const { reason, message } = error instanceof Refusal ? error : { reason: "failed", message: String(error) };
      if (this.isConnected) this.stateDisplay.refused(reason, message);
      return;
    }
    if (this.isConnected) this.attach(made, { isNew: true });
  }

  /**
   * Attach to a shell that exists.
   *
   * @param {{ id: string | null, websocketUrl: string }} row
   * @param {Begin} state
   */
  attach({ id, websocketUrl }, state = {}) {
    this.session?.leave();
    const session = new Session(id, websocketUrl, state.offset ?? 0);
    this.session = session;
    this.boundary = new Boundary(state.offset ?? 0);
    this.oldUntil = this.incompleteUntil = 0;
    session.size = { cols: this.terminal.cols, rows: this.terminal.rows };
    /** @param {string} name @param {(event: any) => void} heard */
    const on = (name, heard) => session.addEventListener(name, (event) => this.session === session && heard(event));
    on("state", () => this.stateDisplay.follow(session));
    on("ready", ({ detail }) => this.#ready(detail, state));
    on("notice", ({ detail }) => this.banners.show(`notice:${detail}`, detail, { tone: "busy" }));
    on("output", ({ detail }) => this.#draw(session, detail));
    on("frame", ({ detail }) => this.emit("headnode:frame", detail));
    session.connect();
  }

  /** Leave the shell to another window. Resolve to its state, or to null if there is no connection. */
  async release() {
    const session = this.session;
    if (session?.state !== "open") return null;
    session.leave();
    await new Promise((resolve) => this.terminal.write("", () => resolve(undefined))); // all output is drawn
    const { cols, rows } = this.terminal;
    return { offset: this.boundary.offset, text: this.screen.serializer.serialize(), cols, rows };
  }

  /** End the shell. Resolve when the portal was told. */
  async close() {
    const { session } = this;
    if (this.place.isGuest) session?.leave();
    if (this.place.isGuest || !session || session.state === "ended" || session.closeShell()) return;
    if (session.id) await endSession(this.place.createUrl, session.id);
  }

  /** Whether it shows a shell of the person's own that has not ended. */
  get isOwnAndOpen() {
    return !this.place.isGuest && ["open", "reconnecting"].includes(this.session?.state ?? "");
  }

  /** Bring it to the front. */
  async show() {
    if (this.disposed) return;
    await this.screen.show();
    if (!this.disposed) this.status.showSize(this.terminal.cols, this.terminal.rows);
  }

  /**
   * Draw at this size, whatever the size of the window is; null: fit the window again.
   *
   * @param {Size | null} size
   */
  holdSize(size) {
    this.screen.hold(size);
  }

  /**
   * Set whether the person may type here.
   *
   * @param {boolean} allowed
   */
  letType(allowed) {
    this.readOnly = !allowed;
    this.keys.bar.inert = !allowed;
    this.stateDisplay.followTyping();
  }

  /** @param {string} name @param {unknown} [detail] */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }

  #listen() {
    const { terminal } = this;
    terminal.onData((text) => text && this.#type(this.keys.translate(text)));
    terminal.onBinary((text) => this.#send(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    terminal.onTitleChange((title) => this.emit("headnode:title", plain(title)));
    terminal.onResize(({ cols, rows }) => {
      this.status.showSize(cols, rows);
      this.session?.resize(cols, rows);
    });
    // Several windows may show one shell: the one in use sets its size.
    this.addEventListener("focusin", () => this.session?.resize(terminal.cols, terminal.rows));
    this.addEventListener("headnode:give-focus", () => terminal.focus());
    const isOld = () => (this.session?.shown ?? 0) < this.oldUntil;
    letProgramsCopy(terminal, this.banners, isOld);
    ignoreQueries(terminal, () => !this.answers || this.place.isGuest || isOld());
    addBell(this, isOld);
  }

  /** @param {string} text */
  #type(text) {
    this.#send(encoder.encode(text));
  }

  /** @param {Uint8Array} bytes */
  #send(bytes) {
    if (this.readOnly || !this.session?.type(bytes)) return;
    this.typed = true;
    this.usedAt = performance.now();
    this.stateDisplay.followInput();
  }

  /** @param {Session} session @param {{ data: Uint8Array, end: number }} output */
  #draw(session, { data, end }) {
    this.usedAt = performance.now();
    this.boundary.feed(data, end);
    this.screen.draw(data, () => {
      session.drew(end);
      this.#redraw(session, end);
      this.stateDisplay.followInput();
    });
  }

  /**
   * Have a full-screen program draw again once everything that it printed is on the screen, if a part is missing.
   *
   * @param {Session} session
   * @param {number} end
   */
  #redraw(session, end) {
    if (!this.incompleteUntil || end < this.incompleteUntil) return;
    this.incompleteUntil = 0;
    if (this.terminal.buffer.active.type === "alternate") nudge(session, this.terminal);
  }

  /** @param {import("./protocol.js").Ready} ready @param {Begin} state */
  #ready(ready, { offset = 0, isNew = false }) {
    this.status.showNode(ready);
    // Output that was shown before. After a broken connection it was not.
    if (!this.session?.wasOpen && !offset && !isNew) this.oldUntil = ready.printed ?? 0;
    if (ready.skipped > 0) {
      const size = (ready.skipped / MEGABYTE).toFixed(1);
      this.banners.show("skipped", word("skipped", { n: size }), { tone: "busy" });
      this.incompleteUntil = ready.printed ?? 0;
    }
    this.emit("headnode:ready", ready);
  }
}
