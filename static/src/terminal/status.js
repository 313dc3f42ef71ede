/* The line below the screen: the state of the connection; and the panel with a sentence when something is wrong. */
import { find } from "../dom.js";
import { part, word } from "./kit.js";

/** @typedef {[string, string | (() => void)][]} Actions the text, and an address or what to do */

export class Status {
  /** @param {string} label of the node */
  constructor(label) {
    this.bar = part("status");
    this.panel = part("trouble");
    this.state = find(this.bar, "[data-state]");
    this.countdown = find(this.bar, "[data-countdown]");
    this.where = find(this.bar, "[data-where]");
    this.address = find(this.bar, "[data-address]");
    this.key = find(this.bar, "[data-key]");
    this.size = find(this.bar, "[data-size]");
    this.where.textContent = label;
    this.sentence = find(this.panel, "[data-sentence]");
    this.reason = find(this.panel, "[data-reason]");
    this.actions = find(this.panel, "[data-actions]");
  }

  /**
   * Show the state, which is read out, and a countdown, which is not.
   *
   * @param {string} state
   * @param {string} text
   */
  show(state, text, countdown = "") {
    this.bar.dataset.state = state;
    if (this.state.textContent !== text) this.state.textContent = text;
    this.countdown.textContent = countdown;
  }

  /**
   * Show which node the shell is on.
   *
   * @param {import("./protocol.js").Ready} ready
   */
  showNode(ready) {
    this.where.textContent = ready.label || ready.node;
    const host = ready.address.includes(":") ? `[${ready.address}]` : ready.address;
    this.address.textContent = `${ready.principal}@${host}${ready.port === 22 ? "" : `:${ready.port}`}`;
    this.key.textContent = `${ready.fingerprint.slice(0, 15)}…`;
    this.key.title = word("host-key", { fingerprint: ready.fingerprint });
  }

  /** @param {number} cols @param {number} rows */
  showSize(cols, rows) {
    this.size.textContent = `${cols} × ${rows}`;
  }

  /**
   * Show a sentence and what can be done about it.
   *
   * @param {string} sentence
   * @param {string} reason
   * @param {Actions} actions
   */
  showProblem(sentence, reason, actions) {
    this.sentence.textContent = sentence;
    this.reason.textContent = reason;
    this.actions.replaceChildren(
      ...actions.map(([text, action], index) => {
        const made = typeof action === "string" ? link(action) : button(action);
        made.className = `btn btn-small${index ? "" : " btn-primary"}`;
        made.textContent = text;
        return made;
      }),
    );
    this.panel.hidden = false;
  }

  /**
   * Return whether this sentence is shown.
   *
   * @param {string} sentence
   */
  showsProblem(sentence) {
    return !this.panel.hidden && this.sentence.textContent === sentence;
  }

  clearProblem() {
    this.panel.hidden = true;
    this.sentence.textContent = "";
  }
}

/** @param {string} address */
function link(address) {
  const made = document.createElement("a");
  made.href = address;
  return made;
}

/** @param {() => void} action */
function button(action) {
  const made = document.createElement("button");
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}
