/* Says what state a terminal is in and what can be done about it: the line below the screen and the panel above it. */
import { word } from "./kit.js";

const JOB_SETTINGS = "/settings/job/";
const SIGN_IN = "/accounts/login/";
// Refusals that can be put right in Job Settings.
const IN_SETTINGS = ["cidr_denied", "ssh_access_off"];

export class StateTeller {
  constructor(element) {
    this.element = element;
    this.status = element.status;
    this.offline = () => this.element.session?.state === "reconnecting" && this.#count(this.element.session);
    window.addEventListener("offline", this.offline);
  }

  dispose() {
    clearInterval(this.counting);
    window.removeEventListener("offline", this.offline);
  }

  /** A shell is being asked for. */
  starting() {
    this.status.untell();
    this.#show("starting", word("starting"));
  }

  /** The portal opened no shell. */
  refused(reason, message) {
    this.#trouble("refused", reason, message, [[word("try-again"), () => this.#anew()]]);
  }

  /** The session's state changed. */
  follow(session) {
    clearInterval(this.counting);
    this.followTyping();
    switch (session.state) {
      case "connecting":
        this.status.untell();
        return this.#show("connecting", word("connecting"));
      case "open":
        return this.#open(session);
      case "reconnecting":
        return this.#reconnecting(session);
      case "ended":
        this.element.screen.calm();
        return this.#trouble("ended", session.end.reason, session.end.message, this.#newShell());
      case "refused":
        return this.#trouble("refused", session.end.reason, session.end.message, [
          [word("try-again"), () => session.retryNow()],
          ...this.#newShell(),
        ]);
    }
  }

  /** Typing is possible while the line is up, for whoever may. */
  followTyping() {
    const { session, terminal, readOnly } = this.element;
    terminal.options.disableStdin = Boolean(readOnly) || session?.state !== "open";
  }

  /** How much of a paste is still to be sent. */
  followInput() {
    const { session } = this.element;
    if (session?.state !== "open") return;
    const waiting = session.input.waiting;
    const text = waiting ? word("sending", { n: Math.ceil(waiting / 1024) }) : "";
    if (this.status.countdown.textContent !== text) this.status.show("open", word("open"), text);
  }

  #open(session) {
    this.status.untell();
    this.#show("open", word("open"));
    // Whoever asked for a shell wants to type in it; a line that came back must not take the focus away.
    if (!session.wasOpen && !this.element.hidden && this.#hasFocusNearby()) this.element.terminal.focus();
    session.wasOpen = true;
  }

  #hasFocusNearby() {
    const at = document.activeElement;
    return !at || at === document.body || this.element.contains(at);
  }

  #reconnecting(session) {
    this.#count(session);
    this.counting = setInterval(() => this.#count(session), 250);
    if (!this.status.tells(word("lost"))) this.status.tell(word("lost"), "", [[word("reconnect-now"), () => session.retryNow()]]);
  }

  #count(session) {
    const seconds = Math.ceil((session.retryAt - Date.now()) / 1000);
    const isTrying = session.socket !== null || seconds <= 0;
    const countdown = isTrying ? word("trying") : word("in-seconds", { n: seconds });
    this.#show("reconnecting", word(navigator.onLine ? "reconnecting" : "offline"), countdown);
  }

  #trouble(state, reason, message, actions) {
    this.#show(state, word(state));
    if (IN_SETTINGS.includes(reason)) actions = [...actions, [word("job-settings"), JOB_SETTINGS]];
    if (reason === "not_signed_in") {
      const here = encodeURIComponent(window.location.pathname + window.location.search);
      actions = [[word("sign-in"), `${SIGN_IN}?next=${here}`], ...actions];
    }
    this.status.tell(message, reason, actions);
  }

  // Somebody else's shell is not replaced by one's own.
  #newShell() {
    return this.element.place.isGuest ? [] : [[word("new-shell"), () => this.#anew()]];
  }

  #anew() {
    return this.element.newShell().then(() => this.element.terminal?.focus());
  }

  #show(state, text, countdown = "") {
    this.status.show(state, text, countdown);
    if (this.element.dataset.state === state) return;
    this.element.dataset.state = state;
    this.element.emit("headnode:state", state);
  }
}
