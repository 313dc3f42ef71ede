/* <headnode-terminal data-create-url data-job data-node data-label>: a shell on a node, from asking for it to its end.
 * With data-machine instead of data-job and data-node: a shell on an existing machine.
 * With data-socket instead of data-create-url: a shell that somebody else opened.
 *
 * Programs and tests reach the screen as `element.terminal` (xterm.js) and the state as `element.dataset.state`.
 * Taking the element out of the page ends the shell; leaving the page does not (the gateway waits a while).
 */
import { createSession } from "./create.js";
import { findBar } from "./find.js";
import { Indicators } from "./indicators.js";
import { keyRow } from "./keys.js";
import { Session } from "./session.js";
import { isAnswer } from "./sharing/answers.js";
import { attend } from "./sharing/attend.js";
import { Status } from "./status.js";
import { View } from "./view.js";
import { words } from "./words.js";

const JOB_SETTINGS = "/settings/job/";
const SIGN_IN = "/accounts/login/";
const encoder = new TextEncoder();

export class HeadnodeTerminal extends HTMLElement {
  terminal = null;
  session = null;

  connectedCallback() {
    if (this.view) return;
    this.#build();
    this.view.open().then(() => this.isConnected && this.#newShell());
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return; // only moved
      clearInterval(this.counting);
      if (this.dataset.socket) this.session?.leave();
      else this.session?.closeShell();
      this.view?.dispose();
      this.view = this.terminal = this.session = null;
      this.replaceChildren();
    });
  }

  #build() {
    const screen = document.createElement("div");
    screen.className = "hn-screen";
    const label = this.dataset.label || this.dataset.node || "";
    screen.setAttribute("role", "group");
    screen.ariaLabel = words.terminalOf(label);
    this.status = new Status(label);
    this.view = new View(screen, (cols, rows) => {
      this.status.showSize(cols, rows);
      this.session?.resize(cols, rows);
    });
    this.terminal = this.view.terminal;
    const focus = () => this.terminal?.focus();
    const keys = keyRow((text) => this.#type(text), focus);
    const find = findBar(this.view.search, focus);
    this.view.onFind = () => find.open();
    this.terminal.onData((text) => {
      if (this.dataset.role === "guest" && isAnswer(text)) return;
      this.#type(keys.translate(text));
    });
    this.terminal.onBinary((text) => this.session?.type(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    this.keyRow = keys.row;
    this.indicators = new Indicators();
    this.replaceChildren(this.indicators.box, find.bar, screen, this.status.panel, keys.row, this.status.bar);
    attend(this);
  }

  /** Whether somebody may type here; who only watches may not. */
  letType(allowed) {
    this.readOnly = !allowed;
    this.keyRow.inert = !allowed;
  }

  /** Draw at this size whatever the window's is ({cols, rows}); null: fit the window again. */
  holdSize(size) {
    this.view.hold(size);
  }

  #type(text) {
    if (this.readOnly) return;
    this.session?.type(encoder.encode(text));
  }

  async #newShell() {
    this.session?.leave();
    this.session = null;
    this.status.untell();
    this.#show("starting", words.starting);
    this.letType(true);
    this.holdSize(null);
    if (this.dataset.socket) {
      this.#attach(new Session(this.dataset.socket));
      return;
    }
    const { cols, rows } = this.terminal;
    let made;
    try {
      const { job, node, machine } = this.dataset;
      made = await createSession(this.dataset.createUrl, { job, node, machine, cols, rows });
    } catch (refusal) {
      this.#tell("refused", refusal.reason ?? "failed", refusal.message, words.tryAgain);
      return;
    }
    if (!this.isConnected) return;
    this.#attach(new Session(made.websocketUrl));
  }

  #attach(session) {
    this.session = session;
    session.size = { cols: this.terminal.cols, rows: this.terminal.rows };
    session.addEventListener("state", () => this.session === session && this.#follow(session));
    session.addEventListener("notice", (event) => this.view.say(event.detail));
    session.addEventListener("frame", ({ detail }) => {
      if (this.session === session) this.dispatchEvent(new CustomEvent("headnode:frame", { detail }));
    });
    session.addEventListener("output", ({ detail }) => {
      this.terminal.write(detail, () => session.showed(detail.length));
    });
    session.connect();
  }

  #follow(session) {
    clearInterval(this.counting);
    this.terminal.options.disableStdin = session.state !== "open";
    switch (session.state) {
      case "connecting":
        this.#show("connecting", words.connecting);
        break;
      case "open":
        this.status.untell();
        this.status.showNode(session.ready);
        this.#show("open", words.open);
        // Whoever asked for a shell wants to type in it; a line that came back must not take the focus away.
        if (!session.wasOpen) this.terminal.focus();
        session.wasOpen = true;
        break;
      case "reconnecting":
        this.#count(session);
        break;
      case "ended":
        this.#ended(session);
        break;
      case "refused":
        this.#tell("refused", session.end.reason, session.end.message, words.tryAgain);
        break;
    }
  }

  #count(session) {
    const count = () => {
      const seconds = Math.ceil((session.retryAt - Date.now()) / 1000);
      this.#show("reconnecting", seconds > 0 ? words.reconnecting(seconds) : words.retrying);
    };
    count();
    this.counting = setInterval(count, 500);
    this.status.tell(words.retrying, "", [[words.reconnectNow, () => session.retryNow()]]);
  }

  #ended(session) {
    const { reason, message } = session.end;
    this.view.calm();
    this.view.say(message);
    this.#tell("ended", reason, message, words.newShell);
  }

  #tell(state, reason, message, again) {
    this.#show(state, state === "ended" ? words.ended : words.refused);
    if (this.dataset.socket) again = words.tryAgain;
    const actions = [[again, () => this.#newShell().then(() => this.terminal?.focus())]];
    if (reason === "cidr_denied" || reason === "ssh_access_off") actions.unshift([words.jobSettings, JOB_SETTINGS]);
    if (reason === "not_signed_in") {
      actions.splice(0, 1, [words.signIn, `${SIGN_IN}?next=${encodeURIComponent(window.location.pathname)}`]);
    }
    this.status.tell(message, reason, actions);
  }

  #show(state, text) {
    this.dataset.state = state;
    this.status.show(state, text);
    this.dispatchEvent(new Event("headnode:state"));
  }
}
