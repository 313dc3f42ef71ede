/* What is always visible around the screen: the state line below it, and the sentence when something is wrong. */
import { words } from "./words.js";

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

export class Status {
  constructor(label) {
    this.bar = element("div", "hn-status");
    this.state = element("span", "hn-state");
    this.state.setAttribute("role", "status");
    this.where = element("span", "hn-where", label);
    this.address = element("span", "hn-address");
    this.key = element("span", "hn-key");
    this.size = element("span", "hn-size");
    this.bar.append(this.state, this.where, this.address, this.key, this.size);

    this.panel = element("div", "hn-panel");
    this.panel.hidden = true;
    this.sentence = element("p", "hn-sentence");
    this.sentence.setAttribute("role", "alert");
    this.reason = element("code", "hn-reason");
    this.actions = element("div", "hn-actions");
    this.panel.append(this.sentence, this.reason, this.actions);
  }

  /** The state in a word, with its colour. */
  show(state, text) {
    this.bar.dataset.state = state;
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  /** Whom the shell talks to. */
  showNode(ready) {
    this.where.textContent = ready.label || ready.node;
    const host = ready.address.includes(":") ? `[${ready.address}]` : ready.address;
    this.address.textContent = `${ready.principal}@${host}${ready.port === 22 ? "" : `:${ready.port}`}`;
    this.key.textContent = `${ready.fingerprint.slice(0, 15)}…`;
    this.key.title = `${words.fingerprint} ${ready.fingerprint}`;
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
        const made = element(typeof action === "string" ? "a" : "button", `btn btn-small${index ? "" : " btn-primary"}`);
        made.textContent = text;
        if (typeof action === "string") {
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

  untell() {
    this.panel.hidden = true;
  }
}
