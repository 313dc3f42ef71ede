/* <headnode-terminal>: one shell on a node, from asking for it to its end. Made and kept by <headnode-terminals>.
 *
 * Programs and tests reach the screen as `element.terminal` (xterm.js), the line as `element.session` and the state as
 * `element.dataset.state`. Taking the element out of the page lets go of the shell; `close()` ends it.
 * Events, all bubbling: "headnode:state", "headnode:title" (detail: text), "headnode:bell", "headnode:ready",
 * "headnode:frame".
 */
import { createSession, endSession } from "./api.js";
import { Banners } from "./banners.js";
import { addBell } from "./bell.js";
import { Boundary } from "./boundary.js";
import { Clipboard } from "./clipboard.js";
import { extensions } from "./extensions.js";
import { FindBar } from "./find.js";
import { Indicators } from "./indicators.js";
import { KeysBar } from "./keys_bar.js";
import { part, word } from "./kit.js";
import { nudge } from "./modes.js";
import { letProgramsCopy } from "./osc52.js";
import { plain } from "./plain.js";
import { passOverQuestions } from "./queries.js";
import { Screen } from "./screen.js";
import { Session } from "./session.js";
import { Status } from "./status.js";
import { StateTeller } from "./state_teller.js";

const encoder = new TextEncoder();
const MEGABYTE = 1024 * 1024;

export class HeadnodeTerminal extends HTMLElement {
  terminal = null;
  session = null;
  usedAt = -Infinity;
  typed = false;
  // Whether a program that asks its terminal something is answered here; the portal says which window does.
  answers = true;

  /** `place`: {createUrl, target, node, label, isGuest: somebody else's shell}; `size`: {cols, rows} until it is shown. Call once, in the page. */
  build(place, size) {
    this.place = place;
    const view = part("view");
    const box = view.firstElementChild;
    box.ariaLabel = word("terminal-of", { label: place.label });
    this.banners = new Banners();
    this.indicators = new Indicators();
    this.status = new Status(place.label);
    this.append(this.banners.box, view);
    this.screen = new Screen(box, size);
    this.terminal = this.screen.terminal;
    this.find = new FindBar(this.screen.search, () => this.terminal.focus());
    this.keys = new KeysBar(this.terminal, (text) => this.#type(text));
    this.clipboard = new Clipboard(this.terminal, box, (sentence) => {
      this.banners.show("clipboard", sentence, { lasting: false });
    });
    view.append(this.find.bar);
    this.append(this.status.panel, this.status.bar, this.keys.bar);
    this.teller = new StateTeller(this);
    this.#listen();
    for (const extend of extensions) extend(this);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected || !this.screen) return; // only moved
      this.session?.leave();
      this.teller.dispose();
      this.screen.dispose();
      this.screen = this.session = null;
    });
  }

  /** Ask for a new shell; what the screen shows stays above it. */
  async newShell() {
    this.session?.leave();
    this.session = null;
    this.typed = false;
    this.letType(true);
    this.screen.begin();
    this.teller.starting();
    const { cols, rows } = this.terminal;
    const { createUrl, target, node } = this.place;
    let made;
    try {
      const place = target.machine ? target : { ...target, node };
      made = await createSession(createUrl, { ...place, cols, rows });
    } catch (refusal) {
      if (this.isConnected) this.teller.refused(refusal.reason ?? "failed", refusal.message);
      return;
    }
    if (this.isConnected) this.attach(made, { isNew: true });
  }

  /** Take up a shell that is there already. `state`: as `release()` gave it, {modes} to begin in, {isNew}. */
  attach({ id, websocketUrl }, state = {}) {
    this.session?.leave();
    const session = new Session(id, websocketUrl, state.offset ?? 0);
    this.session = session;
    this.boundary = new Boundary(state.offset ?? 0);
    this.oldUntil = 0;
    session.size = { cols: this.terminal.cols, rows: this.terminal.rows };
    const on = (name, heard) => session.addEventListener(name, (event) => this.session === session && heard(event));
    on("state", () => this.teller.follow(session));
    on("ready", ({ detail }) => this.#ready(detail, state));
    on("notice", ({ detail }) => this.banners.show(`notice:${detail}`, detail, { tone: "busy" }));
    on("output", ({ detail }) => this.#draw(session, detail));
    on("frame", ({ detail }) => this.emit("headnode:frame", detail));
    session.connect();
  }

  /** Let go of the shell for another window: its state, or null when there is none to give. */
  async release() {
    const session = this.session;
    if (session?.state !== "open") return null;
    session.leave();
    await new Promise((resolve) => this.terminal.write("", resolve)); // all that came is drawn
    const { cols, rows } = this.terminal;
    return { offset: this.boundary.offset, text: this.screen.serializer.serialize(), cols, rows };
  }

  /** End the shell. Resolves when the portal was told. */
  async close() {
    const { session } = this;
    if (this.place.isGuest) session?.leave();
    if (this.place.isGuest || !session || session.state === "ended" || session.closeShell()) return;
    await endSession(this.place.createUrl, session.id);
  }

  /** Bring it to the front. */
  async show() {
    await this.screen?.show();
    if (this.screen) this.status.showSize(this.terminal.cols, this.terminal.rows);
  }

  /** Draw at this size whatever the window's is ({cols, rows}); null: fit the window again. */
  holdSize(size) {
    this.screen.hold(size);
  }

  /** Whether somebody may type here; who only watches may not. */
  letType(allowed) {
    this.readOnly = !allowed;
    this.keys.bar.inert = !allowed;
    this.teller.followTyping();
  }

  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }

  #listen() {
    const { terminal } = this;
    terminal.onData((text) => text && this.#type(this.keys.translate(text)));
    terminal.onBinary((text) => this.#send(Uint8Array.from(text, (sign) => sign.charCodeAt(0))));
    terminal.onTitleChange((title) => this.emit("headnode:title", plain(title)));
    terminal.onResize(({ cols, rows }) => {
      this.status.showSize(cols, rows);
      this.session?.resize(cols, rows);
    });
    // Several windows may show one shell: the one that is used says how large it is.
    this.addEventListener("focusin", () => this.session?.resize(terminal.cols, terminal.rows));
    this.addEventListener("headnode:give-focus", () => terminal.focus());
    const isOld = () => (this.session?.shown ?? 0) < this.oldUntil;
    letProgramsCopy(terminal, this.banners, isOld);
    passOverQuestions(terminal, () => !this.answers || this.place.isGuest || isOld());
    addBell(this, isOld);
  }

  #type(text) {
    this.#send(encoder.encode(text));
  }

  #send(bytes) {
    if (this.readOnly || !this.session?.type(bytes)) return;
    this.typed = true;
    this.usedAt = performance.now();
    this.teller.followInput();
  }

  #draw(session, { data, end }) {
    this.usedAt = performance.now();
    this.boundary.feed(data, end);
    this.screen.draw(data, () => {
      session.drew(end);
      this.teller.followInput();
    });
  }

  #ready(ready, { offset = 0, modes = "", isNew = false }) {
    this.status.showNode(ready);
    // What somebody was shown before; a line that came back shows us what nobody was.
    if (!this.session.wasOpen && !offset && !isNew) this.oldUntil = ready.printed ?? 0;
    if (ready.skipped > 0) {
      const size = (ready.skipped / MEGABYTE).toFixed(1);
      this.banners.show("skipped", word("skipped", { n: size }), { tone: "busy" });
      this.terminal.write(modes);
      if (modes.includes("?1049h")) nudge(this.session, this.terminal);
    }
    this.emit("headnode:ready", ready);
  }
}
