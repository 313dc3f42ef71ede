/* What is always visible below the screen: the state of the connection, and the sentence when something is wrong. */
import { part, word } from "./kit.js";

export class Status {
  constructor(label) {
    this.bar = part("status");
    this.panel = part("trouble");
    const find = (name) => this.bar.querySelector(`[data-${name}]`);
    this.state = find("state");
    this.countdown = find("countdown");
    this.where = find("where");
    this.address = find("address");
    this.key = find("key");
    this.size = find("size");
    this.where.textContent = label;
    this.sentence = this.panel.querySelector("[data-sentence]");
    this.reason = this.panel.querySelector("[data-reason]");
    this.actions = this.panel.querySelector("[data-actions]");
  }

  /** The state in a word, which is read out, and what changes every second, which is not. */
  show(state, text, countdown = "") {
    this.bar.dataset.state = state;
    if (this.state.textContent !== text) this.state.textContent = text;
    this.countdown.textContent = countdown;
  }

  /** Whom the shell talks to. */
  showNode(ready) {
    this.where.textContent = ready.label || ready.node;
    const host = ready.address.includes(":") ? `[${ready.address}]` : ready.address;
    this.address.textContent = `${ready.principal}@${host}${ready.port === 22 ? "" : `:${ready.port}`}`;
    this.key.textContent = `${ready.fingerprint.slice(0, 15)}…`;
    this.key.title = word("host-key", { fingerprint: ready.fingerprint });
  }

  showSize(cols, rows) {
    this.size.textContent = `${cols} × ${rows}`;
  }

  /** A sentence with what can be done about it: buttons [text, action] and links [text, address]. */
  tell(sentence, reason, actions) {
    this.sentence.textContent = sentence;
    this.reason.textContent = reason;
    this.actions.replaceChildren(
      ...actions.map(([text, action], index) => {
        const isLink = typeof action === "string";
        const made = document.createElement(isLink ? "a" : "button");
        made.className = `btn btn-small${index ? "" : " btn-primary"}`;
        made.textContent = text;
        if (isLink) {
          made.href = action;
        } else {
          made.type = "button";
          made.addEventListener("click", action);
        }
        return made;
      }),
    );
    this.panel.hidden = false;
  }

  /** Whether this sentence is being told. */
  tells(sentence) {
    return !this.panel.hidden && this.sentence.textContent === sentence;
  }

  untell() {
    this.panel.hidden = true;
    this.sentence.textContent = "";
  }
}
