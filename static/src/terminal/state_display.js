/* Shows the state of a terminal and what can be done about it: in the line below the screen and the panel above it. */
import { word } from "./kit.js";

const JOB_SETTINGS = "/settings/job/";
const SIGN_IN = "/accounts/login/";
// Refusals that can be resolved in Job Settings.
const IN_SETTINGS = ["cidr_denied", "ssh_access_off"];

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./status.js").Actions} Actions */

export class StateDisplay {
  /** @type {number | undefined} */
  counting = undefined;

  /** @param {import("./element.js").HeadnodeTerminal} element */
  constructor(element) {
    this.element = element;
    this.status = element.status;
    this.offline = () => {
      const { session } = this.element;
      if (session?.state === "reconnecting") this.#count(session);
    };
    window.addEventListener("offline", this.offline);
  }

  dispose() {
    clearInterval(this.counting);
    window.removeEventListener("offline", this.offline);
  }

  /** Show that a shell was requested. */
  starting() {
    this.status.clearProblem();
    this.#show("starting", word("starting"));
  }

  /**
   * Show that the portal opened no shell.
   *
   * @param {string} reason
   * @param {string} message
   */
  refused(reason, message) {
    this.#problem("refused", reason, message, [[word("try-again"), () => this.#anew()]]);
  }

  /**
   * Show the state of the session.
   *
   * @param {Session} session
   */
  follow(session) {
    clearInterval(this.counting);
    this.followTyping();
    switch (session.state) {
      case "connecting":
        this.status.clearProblem();
        this.#show("connecting", word("connecting"));
        break;
      case "open":
        this.#open(session);
        break;
      case "reconnecting":
        this.#reconnecting(session);
        break;
      case "ended":
        this.element.screen.resetModes();
        this.#ended(session, this.#newShell());
        break;
      case "refused":
        this.#ended(session, [[word("try-again"), () => session.retryNow()], ...this.#newShell()]);
        break;
    }
  }

  /** Allow typing while there is a connection, to a person who may type. */
  followTyping() {
    const { session, terminal, readOnly } = this.element;
    terminal.options.disableStdin = Boolean(readOnly) || session?.state !== "open";
  }

  /** Show how much of a paste is still to be sent. */
  followInput() {
    const { session } = this.element;
    if (session?.state !== "open") return;
    const waiting = session.input.waiting;
    const text = waiting ? word("sending", { n: Math.ceil(waiting / 1024) }) : "";
    if (this.status.countdown.textContent !== text) this.status.show("open", word("open"), text);
  }

  /** @param {Session} session */
  #open(session) {
    this.status.clearProblem();
    this.#show("open", word("open"));
    // A new shell gets the focus; a connection that is back must not take it away from another element.
    if (!session.wasOpen && !this.element.hidden && this.#hasFocusNearby()) this.element.terminal.focus();
    session.wasOpen = true;
  }

  #hasFocusNearby() {
    const at = document.activeElement;
    return !at || at === document.body || this.element.contains(at);
  }

  /** @param {Session} session */
  #reconnecting(session) {
    this.#count(session);
    this.counting = setInterval(() => this.#count(session), 250);
    if (this.status.showsProblem(word("lost"))) return;
    this.status.showProblem(word("lost"), "", [[word("reconnect-now"), () => session.retryNow()]]);
  }

  /** @param {Session} session */
  #count(session) {
    const seconds = Math.ceil((session.retryAt - Date.now()) / 1000);
    const isTrying = session.socket !== null || seconds <= 0;
    const countdown = isTrying ? word("trying") : word("in-seconds", { n: seconds });
    this.#show("reconnecting", word(navigator.onLine ? "reconnecting" : "offline"), countdown);
  }

  /** @param {Session} session @param {Actions} actions */
  #ended({ state, end }, actions) {
    this.#problem(state, end?.reason ?? "", end?.message ?? "", actions);
  }

  /** @param {string} state @param {string} reason @param {string} message @param {Actions} actions */
  #problem(state, reason, message, actions) {
    this.#show(state, word(state));
    /** @type {Actions} */
    const offered = [...actions];
    if (IN_SETTINGS.includes(reason)) offered.push([word("job-settings"), JOB_SETTINGS]);
    if (reason === "not_signed_in") {
      const here = encodeURIComponent(window.location.pathname + window.location.search);
      offered.unshift([word("sign-in"), `${SIGN_IN}?next=${here}`]);
    }
    this.status.showProblem(message, reason, offered);
  }

  /**
   * Return the action for a new shell. A guest has none: a new shell would be the guest's own.
   *
   * @returns {Actions}
   */
  #newShell() {
    return this.element.place.isGuest ? [] : [[word("new-shell"), () => this.#anew()]];
  }

  #anew() {
    void this.element.newShell().then(() => this.element.terminal?.focus());
  }

  /** @param {string} state @param {string} text */
  #show(state, text, countdown = "") {
    this.status.show(state, text, countdown);
    if (this.element.dataset.state === state) return;
    this.element.dataset.state = state;
    this.element.emit("headnode:state", state);
  }
}
